import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { probePod } from '../../lib/probe/index.ts';
import { admissionPolicy } from '../../scripts/admission-policy.ts';

const text = (file: string): string => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');

type Policy = { spec: { variables: { name: string; expression: string }[] } };
const policy = (): Policy => parseAllDocuments(text('admission-policy.yaml'))[0]?.toJS() as Policy;
const variable = (name: string): string =>
  policy().spec.variables.find((each) => each.name === name)?.expression ?? '';

describe('the admission policy', () => {
  it('is what `npm run generate` makes of the pods', () => {
    expect(text('admission-policy.yaml')).toBe(admissionPolicy());
  });

  it('has the script that the probe pod is sent with, to the letter', () => {
    const [container] = probePod({ runId: 'run', node: 'node', expires: new Date(0) }).spec.containers;
    expect(variable('script')).toBe(`r'''${container?.command[2]}'''`);
  });

  it('names every field of the probe pod', () => {
    const { spec } = probePod({ runId: 'run', node: 'node', expires: new Date(0) });
    for (const field of [...Object.keys(spec), ...Object.keys(spec.containers[0] ?? {})])
      expect(variable('differencesFromProbe')).toContain(`.${field}`);
  });

  it('can be applied with kubectl apply, which keeps a copy of at most 256 kB in an annotation', () => {
    expect(JSON.stringify(policy()).length).toBeLessThan(200_000);
  });
});

it('the namespace comes before what is in it', () => {
  const kinds = parseAllDocuments(text('rbac.yaml')).map((document) => document.get('kind'));
  expect(kinds[0]).toBe('Namespace');
});

describe('the admission policy of the pods that repair nodes', () => {
  const isTaken = (argument: string): boolean => {
    const [, pattern] = /each\.matches\("([^"]+)"\)/.exec(text('remediate-admission-policy.yaml')) ?? [];
    return new RegExp(pattern ?? 'no pattern').test(argument);
  };

  it.each(['settle=300', 'settle=900', 'settle=99999', 'total=540', 'act=0'])('takes %s', (argument) => {
    expect(isTaken(argument)).toBe(true);
  });

  it.each(['settle=0', 'settle=299', 'settle=00300', 'settle=100000', 'settle=1.5', 'settle='])(
    'refuses %s: a pod that is being created has such a namespace as well',
    (argument) => {
      expect(isTaken(argument)).toBe(false);
    },
  );
});
