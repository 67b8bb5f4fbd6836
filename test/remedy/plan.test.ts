import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../lib/model/finding.ts';
import { planRepairs, whyNotBy } from '../../lib/remedy/plan.ts';
import { scriptOf } from '../../lib/remedy/script.ts';
import { aFinding, aReport } from '../report/sample.ts';

const plan = (changes: Partial<Finding>, ...others: Finding[]) =>
  planRepairs(aReport({ findings: [aFinding(changes), ...others] }), {});

describe('a report', () => {
  const cluster = { uid: 'c0ffee' };
  const at = Date.parse(aReport().startedAt);

  it('serves for a day, and for its own cluster', () => {
    expect(whyNotBy(aReport(), cluster, at + 23 * 3_600_000)).toBeNull();
    expect(whyNotBy(aReport(), cluster, at + 25 * 3_600_000)).toContain('25 hours old');
    expect(whyNotBy(aReport(), { uid: 'another' }, at)).toContain('another cluster');
  });
});

describe('a plan', () => {
  it('recreates a pod once, whose remedy begins with deleting it, for all its findings', () => {
    const { acts, byHand } = plan({}, aFinding({ fingerprint: 'f2', check: 'pod-loopback-down' }));
    expect(byHand).toEqual([]);
    expect(acts).toHaveLength(1);
    expect(acts[0]).toMatchObject({
      kind: 'recreate-pod',
      pod: { namespace: 'shop', name: 'web-1' },
      refused: null,
    });
    expect(acts[0]?.findings.map(({ check }) => check)).toEqual([
      'pod-interface-missing',
      'pod-loopback-down',
    ]);
  });

  it.each<[string, Partial<Finding>]>([
    ['seen once', { state: 'pending' }],
    ['did not look at it', { state: 'open', notSeen: true }],
    ['only suspected', { confidence: 'suspected' }],
    ['only packets show it', { topic: 'connectivity' }],
    ['an exception of network', { suppressed: { owner: 'network', reason: 'known', expires: '2027-01-01' } }],
  ])('refuses what was %s', (words, changes) => {
    expect(plan(changes).acts[0]?.refused).toContain(words);
  });

  it('refuses a symptom, as a new pod would share its cause', () => {
    const cause = aFinding({
      fingerprint: 'cause',
      check: 'node-forwarding-disabled',
      object: { kind: 'node', name: 'node-1' },
      remedy: [],
    });
    expect(plan({ partOf: 'cause' }, cause).acts[0]?.refused).toContain(
      'node-forwarding-disabled is its cause',
    );
  });

  it('leaves to people what another command repairs first, or the command for another pod', () => {
    const inPlace = { purpose: 'repair' as const, text: 'Up.', command: 'ip link set lo up' };
    const [remove] = aFinding().remedy;
    expect(plan({ remedy: [inPlace, ...(remove === undefined ? [] : [remove])] })).toMatchObject({
      acts: [],
      byHand: [{ check: 'pod-interface-missing' }],
    });
    const other = {
      purpose: 'repair' as const,
      text: 'Delete.',
      command: 'kubectl delete pod -n shop web-2',
    };
    expect(plan({ remedy: [other] }).acts).toEqual([]);
  });

  it('leaves to people what is to be done to other pods as well', () => {
    const [remove] = aFinding().remedy;
    const others = { purpose: 'repair' as const, text: 'Then recreate shop/web-2 too.' };
    expect(plan({ remedy: [...(remove === undefined ? [] : [remove]), others] }).acts).toEqual([]);
  });

  it('does not take a refused finding for a reason beside a good one', () => {
    const { acts } = plan({}, aFinding({ fingerprint: 'f2', check: 'pod-loopback-down', state: 'pending' }));
    expect(acts[0]?.findings.map(({ check }) => check)).toEqual(['pod-interface-missing']);
  });

  it('is of what was asked for', () => {
    const report = aReport({ findings: [aFinding()] });
    for (const asked of [{ check: 'x' }, { node: 'node-2' }, { pod: { namespace: 'shop', name: 'web-2' } }])
      expect(planRepairs(report, asked).acts).toEqual([]);
    expect(
      planRepairs(report, {
        check: 'pod-interface-missing',
        node: 'node-1',
        pod: { namespace: 'shop', name: 'web-1' },
      }).acts,
    ).toHaveLength(1);
  });
});

describe('a script', () => {
  it('is one for sh that changes nothing as it stands, whatever a node says', () => {
    const hostile = 'x\nrm -rf /; $(reboot)';
    const finding = aFinding({
      detail: hostile,
      remedy: [
        { purpose: 'look', text: hostile, command: 'echo looked' },
        { purpose: 'repair', text: 'Delete it.', command: 'kubectl delete pod -n shop web-1' },
      ],
    });
    const script = scriptOf(aReport(), [finding]);
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe('looked\n');
    expect(script).toContain('\n#! kubectl delete pod -n shop web-1\n');
  });
});
