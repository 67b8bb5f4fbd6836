/** The frame of a check of pods: the order of its questions, and what it does with the answers. */
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../lib/checks/define.ts';
import { definePodCheck, failing, type Question } from '../../lib/checks/define-pod-check.ts';
import { podInterfaceMissing } from '../../lib/checks/interfaces/pod-interface-missing.ts';
import { aLoopback, aPod, aPodNetwork, aStack, context } from './evidence.ts';

const metadata = {
  id: 'pod-made-of-cheese',
  topic: 'interfaces',
  severity: 'low',
  title: 'The pod is no cheese',
  failureTitle: 'Pod that is made of cheese',
  why: 'It melts.',
  needs: ['podNetworks'],
} as const;
const failure: Failure = { detail: 'It melts.', confidence: 'confirmed', evidence: [], remedy: [] };
const said = [
  ['pass', 'pass'],
  [failure, 'fail'],
  [{ unknown: 'not tasted' }, 'unknown'],
  ['nobody eats it', 'notApplicable'],
] as const;

/** The pod has no interface: pod-interface-missing fails. */
const bare = aPodNetwork({ stack: aStack({ links: [aLoopback()] }) });

describe('a check of pods', () => {
  it.each(said)('makes of %j an outcome', (answer, result) => {
    const check = definePodCheck({ ...metadata, judge: () => answer });
    expect(check.run({ podNetworks: [aPodNetwork()] }, context)).toMatchObject([
      { result, object: { kind: 'pod', namespace: aPod().namespace, name: aPod().name, node: context.node } },
    ]);
  });

  it('does not judge a pod that a question of "unless" keeps out, and says the first answer', () => {
    const no: Question = () => null;
    const check = definePodCheck({
      ...metadata,
      unless: [no, () => 'it is of stone', () => 'it is of wood'],
      judge: () => failure,
    });
    expect(check.run({ podNetworks: [bare] }, context)).toMatchObject([
      { result: 'notApplicable', reason: 'it is of stone' },
    ]);
  });

  it('takes a namespace that could not be read for unknown where it stands first', () => {
    const unread = aPodNetwork({ stack: null });
    const stone: Question = () => 'it is of stone';
    const judge = () => failure;
    const first = definePodCheck({ ...metadata, unless: ['namespace unread', stone], judge });
    const later = definePodCheck({ ...metadata, unless: [stone, 'namespace unread'], judge });
    expect(first.run({ podNetworks: [unread] }, context)[0]?.result).toBe('unknown');
    expect(later.run({ podNetworks: [unread] }, context)[0]?.result).toBe('notApplicable');
  });

  it.each(said.filter(([, result]) => result !== 'pass'))(
    'sends the reader to the check that explains %j',
    (answer, result) => {
      const explainedBy = [failing(podInterfaceMissing, 'it has no interface')];
      const check = definePodCheck({ ...metadata, judge: () => answer, explainedBy });
      expect(check.run({ podNetworks: [bare, aPodNetwork()] }, context)).toMatchObject([
        { result: 'notApplicable', reason: 'it has no interface: see pod-interface-missing' },
        { result },
      ]);
    },
  );

  it('asks for no explanation of a pod that passes', () => {
    const explainedBy = [failing(podInterfaceMissing)];
    const check = definePodCheck({ ...metadata, judge: () => 'pass', explainedBy });
    expect(check.run({ podNetworks: [bare] }, context)[0]?.result).toBe('pass');
  });

  it('makes facts of the node once, and judges each pod with them', () => {
    let made = 0;
    const check = definePodCheck({
      ...metadata,
      facts({ podNetworks }) {
        made += 1;
        return { all: podNetworks.length };
      },
      judge: (_network, { all }) => `${all} pods`,
    });
    const outcomes = check.run({ podNetworks: [bare, aPodNetwork()] }, context);
    expect(outcomes).toMatchObject([{ reason: '2 pods' }, { reason: '2 pods' }]);
    expect(made).toBe(1);
  });

  it('does not compile where it sees what it did not ask for', () => {
    // @ts-expect-error the pods' networks are what it goes through
    definePodCheck({ ...metadata, needs: ['host'], judge: () => 'pass' });
    // @ts-expect-error a namespace that nobody asked about may be unread
    const careless = definePodCheck({ ...metadata, judge: ({ stack }) => `${stack.links.length} links` });
    expect(() => careless.run({ podNetworks: [aPodNetwork({ stack: null })] }, context)).toThrow();
  });
});
