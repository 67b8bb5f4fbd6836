/** The files of a new check, as `npm run new:check` writes them. */

/** What a check judges: the pods of a node one by one, a node with all on it, or all nodes together. */
export type Kind = 'pod' | 'node' | 'cluster';

type Write = (topic: string, id: string, name: string) => string;

const podCheckFile: Write = (topic, id, name) => `\
import { definePodCheck } from '../define-pod-check.ts';

/** Say why this is a fault, and cite the kernel, the CNI plugin or the issue that it comes from. */
export const ${name} = definePodCheck({
  id: '${id}',
  topic: '${topic}',
  severity: 'medium',
  title: 'Say in a few words what passes',
  failureTitle: 'Say in at most eight words what fails',
  why: 'Say in at most 400 characters what happens to the pod where it fails.',
  // Parts of Evidence (lib/model/evidence.ts); judge sees these and no others.
  needs: ['podNetworks'],
  // Why a pod is not judged: questions of lib/computed, such as networkElsewhere, or of your own. They are
  // asked in this order.
  unless: ['namespace unread'],
  // Answer 'pass', { detail, confidence, evidence, remedy }, { unknown: why }, or in words why the pod is not
  // judged. What another check reports as the cause stands in explainedBy: [failing(thatCheck)].
  judge(_network) {
    return { unknown: '${id} is not written yet' };
  },
});
`;

const podTestFile: Write = (topic, id, name) => `\
import { describe, expect, it } from 'vitest';
import { ${name} } from '../../../lib/checks/${topic}/${id}.ts';
import { aPodNetwork, context } from '../evidence.ts';

describe('${id}', () => {
  it('passes a healthy pod', () => {
    const [outcome] = ${name}.run({ podNetworks: [aPodNetwork()] }, context);
    expect(
      outcome?.result,
      'Write judge() in lib/checks/${topic}/${id}.ts, then a test here for each outcome: pass, fail, not applicable, unknown',
    ).toBe('pass');
  });
});
`;

const nodeCheckFile: Write = (topic, id, name) => `\
import { defineCheck, nodeObject, unknown } from '../define.ts';

/** Say why this is a fault, and cite the kernel, the CNI plugin or the issue that it comes from. */
export const ${name} = defineCheck({
  id: '${id}',
  topic: '${topic}',
  severity: 'medium',
  title: 'Say in a few words what passes',
  failureTitle: 'Say in at most eight words what fails',
  why: 'Say in at most 400 characters what happens to pods or the node where it fails.',
  // Parts of Evidence (lib/model/evidence.ts); run sees these and no others.
  needs: ['host'],
  run(_sources, { node }) {
    return [unknown(nodeObject(node), '${id} is not written yet')];
  },
});
`;

const nodeTestFile: Write = (topic, id, name) => `\
import { describe, expect, it } from 'vitest';
import { ${name} } from '../../../lib/checks/${topic}/${id}.ts';
import { aHost, context } from '../evidence.ts';

describe('${id}', () => {
  it('passes a healthy node', () => {
    const [outcome] = ${name}.run({ host: aHost() }, context);
    expect(
      outcome?.result,
      'Write run() in lib/checks/${topic}/${id}.ts, then a test here for each outcome: pass, fail, not applicable, unknown',
    ).toBe('pass');
  });
});
`;

const clusterCheckFile: Write = (topic, id, name) => `\
import { defineClusterCheck, nodeObject, unknown } from '../define.ts';

/** Say why this is a fault, and cite the kernel, the CNI plugin or the issue that it comes from. */
export const ${name} = defineClusterCheck({
  id: '${id}',
  topic: '${topic}',
  severity: 'medium',
  title: 'Say in a few words what passes',
  failureTitle: 'Say in at most eight words what fails',
  why: 'Say in at most 400 characters what happens to pods or nodes where it fails.',
  // What nodes say, kept small for each: ClusterSources in lib/checks/define.ts. More of it is a field of NodeResult.
  run({ auditedNodes }) {
    return auditedNodes.map((node) => unknown(nodeObject(node), '${id} is not written yet'));
  },
});
`;

const clusterTestFile: Write = (topic, id, name) => `\
import { describe, expect, it } from 'vitest';
import { ${name} } from '../../../lib/checks/${topic}/${id}.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context } from '../evidence.ts';

describe('${id}', () => {
  it('passes each node of a healthy cluster', () => {
    const outcomes = ${name}.run(clusterSources({ auditedNodes: ['node-1', 'node-2'] }), context);
    expect(
      outcomes.map(({ result }) => result),
      'Write run() in lib/checks/${topic}/${id}.ts, then a test here for each outcome: pass, fail, not applicable, unknown',
    ).toEqual(['pass', 'pass']);
  });
});
`;

export const templates: Readonly<Record<Kind, { readonly check: Write; readonly test: Write }>> = {
  pod: { check: podCheckFile, test: podTestFile },
  node: { check: nodeCheckFile, test: nodeTestFile },
  cluster: { check: clusterCheckFile, test: clusterTestFile },
};

export const pageFile = (topic: string, id: string): string => `\
# ${id}

Severity: medium · Topic: ${topic} · Reference: \`netns-audit checks ${id}\`

## What it checks

Say what is compared with what.

## Why it matters

Say what breaks for users.

## Evidence

Say where each value is read, and how sure it is: *confirmed*, *probable* or *suspected*.

## How to fix

Say what the remedy does, with its commands.

## When not to act

Say when it looks like this fault and is none.

## Known limitations

Say what it cannot see.
`;

export const faultEntry = (id: string): string => `\
  {
    id: '${id}',
    check: '${id}',
    where: 'node-network',
    inject: 'echo "write in test/e2e/faults how to make the fault that ${id} finds" >&2; exit 1',
    shows: [],
    repair: 'remedy',
  },
`;
