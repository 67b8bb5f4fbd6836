import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { probePod } from '../../lib/probe/index.ts';
import { admissionPolicy } from '../../scripts/admission-policy.ts';
import { earlierProbe, probeOf } from '../../scripts/earlier-probe.ts';

const text = (file: string): string => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');

type Policy = { spec: { variables: { name: string; expression: string }[] } };
const policy = (): Policy => parseAllDocuments(text('admission-policy.yaml'))[0]?.toJS() as Policy;
const variable = (name: string): string =>
  policy().spec.variables.find((each) => each.name === name)?.expression ?? '';

describe('the admission policy', () => {
  it('is what `npm run generate` makes of the pods', () => {
    expect(text('admission-policy.yaml')).toBe(admissionPolicy(earlierProbe()));
  });

  it('admits the probe of the release before, if there was one: npm run keep-probe', () => {
    const changelog = readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8');
    const [, before] = [...changelog.matchAll(/^## (\d+\.\d+\.\d+)/gm)].map(([, version]) => version);
    expect(earlierProbe()?.version).toBe(before);
  });

  it('has the script and the fields of an earlier probe beside its own', () => {
    const earlier = probeOf('0.0.9', text('admission-policy.yaml').replace('LC_ALL=C ', 'LC_ALL=POSIX '));
    const made = parseAllDocuments(admissionPolicy(earlier))[0]?.toJS() as Policy;
    const of = (name: string): string =>
      made.spec.variables.find((each) => each.name === name)?.expression ?? '';
    expect(of('script')).toBe(variable('script'));
    expect(of('earlierScript')).toBe(variable('script').replace('LC_ALL=C ', 'LC_ALL=POSIX '));
    expect(of('differencesFromProbe')).toBe(variable('differencesFromProbe'));
    expect(of('differencesFromEarlierProbe')).toContain('["sh", "-c", variables.earlierScript, "probe"]');
    expect(of('differences')).toContain('size(variables.differencesFromEarlierProbe) == 0');
    // Kept once more for the release after: two versions only, not all.
    expect(probeOf('0.1.0', admissionPolicy(earlier)).script).toBe(variable('script').slice(4, -3));
    expect(JSON.stringify(made).length).toBeLessThan(200_000);
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
    const patterns = [
      ...text('remediate-admission-policy.yaml').matchAll(
        /\(each\.startsWith\("([^"]+)"\) && each\.matches\("([^"]+)"\)\)/g,
      ),
    ];
    return patterns.some(
      ([, name = '', pattern = '']) => argument.startsWith(name) && new RegExp(pattern).test(argument),
    );
  };

  it.each(['settle=300', 'settle=900', 'settle=99999', 'total=540', 'act=0'])('takes %s', (argument) => {
    expect(isTaken(argument)).toBe(true);
  });

  const pod = 'cni-00000000-0000-4000-8000-000000000001,4026532400';
  it.each([
    `restore-default-route=shop/web-1/default-route-6,${pod},eth0,fd00::1`,
    `restore-bridge-port=shop/web-1/port-of-cni0,${pod},veth12345678,7,cni0`,
    `restore-aws-rule=shop/web-1/rule-1536-10.1.1.2,${pod},eni12345678901,7,10.1.1.2,2`,
    `restore-forwarding=forwarding-4,${pod},4`,
    `undo-host-route=shop/web-1/route-to-10.1.1.2,${pod},cali12345678901,7,10.1.1.2,link,none`,
    'reboot=11111111-1111-4111-8111-111111111111',
  ])('takes %s', (argument) => {
    expect(isTaken(argument)).toBe(true);
  });

  it.each([
    `restore-lo=shop/web-1/lo,${pod},down`,
    `restore-port-flag=shop/web-1/hairpin,${pod},veth12345678,7,hairpin,off`,
    `restore-default-route=shop/web-1/x,${pod},eth0,10.1.1.1;reboot`,
    `restore-default-route=shop/web-1/x,../1,1,eth0,10.1.1.1`,
    `restore-sysctl=x,kernel.panic,1`,
    `restore-host-route=x,${pod},cali12345678901,7,0.0.0.0/0,link,none`,
    `restore-aws-rule=x,${pod},eni12345678901,7,all,2`,
    `undo-forwarding=x,${pod},5`,
    'reboot=',
    'reboot=1; rm -rf /',
  ])('refuses %s: it is no loss of a pod', (argument) => {
    expect(isTaken(argument)).toBe(false);
  });

  it.each(['settle=0', 'settle=299', 'settle=00300', 'settle=100000', 'settle=1.5', 'settle='])(
    'refuses %s: a pod that is being created has such a namespace as well',
    (argument) => {
      expect(isTaken(argument)).toBe(false);
    },
  );
});
