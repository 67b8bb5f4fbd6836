/** A node is believed about itself and what is on it, whatever it says about others. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { exceptionSchema } from '../../lib/model/exception.ts';
import type { AuditedObject } from '../../lib/model/finding.ts';
import type { CheckFailure } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { conclude, failedNode, failureOf, heldAddress, readOf, resultOf } from './nodes.ts';

const pod = (node: string, name: string): AuditedObject => ({ kind: 'pod', namespace: 'shop', name, node });
const ghost = (node: string) => failureOf('sandbox-ghost', pod(node, 'ghost-1'));

describe('findings of two nodes about pods of the same name', () => {
  it.each(['sandbox-ghost', 'sandbox-stale', 'namespace-pin-missing'])(
    'stay two of %s, whichever node answers first, and also where the API has the pod on one',
    (check) => {
      const victim = resultOf('victim', { failures: [failureOf(check, pod('victim', 'ghost-1'))] });
      for (const pods of [[], ['shop/ghost-1']]) {
        const hostile = resultOf('hostile', {
          failures: [failureOf(check, pod('hostile', 'ghost-1'))],
          pods: ['shop/own-of-hostile', ...pods],
        });
        const report = conclude([hostile, victim]);
        expect(report.findings.map(({ object }) => object.node)).toEqual(['hostile', 'victim']);
        expect(report).toEqual(conclude([victim, hostile]));
        expect(readOf('victim', report)).toBe(readOf('victim', conclude([victim])));
      }
    },
  );

  it('do not explain one another', () => {
    const symptom = failureOf('pod-dns-failing', pod('victim', 'web-1'));
    const cause = failureOf('pod-interface-down', pod('hostile', 'web-1'));
    const victim = resultOf('victim', {
      failures: [{ ...symptom, check: 'node-to-pod-unreachable' }, symptom],
      pods: ['shop/web-1'],
    });
    const report = conclude([victim, resultOf('hostile', { failures: [cause] })]);
    expect(readOf('victim', report)).toBe(readOf('victim', conclude([victim])));
  });

  it('are not covered by an exception for labels that the other node gave its pod', () => {
    const exception = exceptionSchema.parse({
      check: '*',
      labels: { app: 'legacy' },
      reason: 'known',
      owner: 'net-team',
      expires: '2027-01-01',
    });
    const hostile = resultOf('hostile', { labels: { 'shop/ghost-1': { app: 'legacy' } } });
    const report = conclude([resultOf('victim', { failures: [ghost('victim')] }), hostile], null, {
      exceptions: [exception],
    });
    expect(report.findings[0]).toMatchObject({ check: 'sandbox-ghost', suppressed: null });
  });
});

describe('a node that speaks of what is not its own', () => {
  it.each<[string, AuditedObject]>([
    ['a pod of another node', pod('victim', 'web-1')],
    ['another node', { kind: 'node', name: 'victim' }],
    ['another node as on itself', { kind: 'node', name: 'victim', node: 'hostile' }],
    ['a link of no node', { kind: 'link', name: 'veth1' }],
    ['the cluster', { kind: 'cluster', name: 'prod-eu' }],
    ['an exception', { kind: 'exception', name: 'all' }],
  ])('is not believed about %s, which is unknown with its name', (_, object) => {
    const report = conclude([
      resultOf('victim'),
      resultOf('hostile', { failures: [failureOf('pod-interface-down', object)] }),
    ]);
    expect(report.findings).toEqual([]);
    expect(report.verdict).toBe('incomplete');
    expect(report.coverage.checks.find(({ check }) => check === 'pod-interface-down')).toMatchObject({
      unknown: 1,
      failed: 0,
      reasons: [expect.stringMatching(/^hostile reported .*: ignored$/)],
    });
  });

  it('has no say in what only checks across nodes find', () => {
    const failures = [failureOf('pod-address-duplicate', pod('hostile', 'own-of-hostile'))];
    expect(conclude([resultOf('hostile', { failures })])).toMatchObject({
      findings: [],
      verdict: 'incomplete',
    });
  });

  it('does not change in which order a pod shows its addresses', () => {
    const intruder = { namespace: 'shop', name: 'own-of-victim', uid: 'v' };
    const holders = ['10.0.0.4', '10.0.0.5'].flatMap((address, n) => [
      heldAddress({ address, node: 'victim', pod: intruder, inPodStatus: false }),
      heldAddress({
        address,
        node: 'victim',
        pod: { namespace: 'shop', name: `web-${n}`, uid: `w${n}` },
        namespace: n + 2,
      }),
    ]);
    const victim = resultOf('victim', {
      pods: ['shop/own-of-victim', 'shop/web-0', 'shop/web-1'],
      podAddresses: holders,
    });
    const ownPod = { namespace: 'shop', name: 'own-of-hostile', uid: 'h' };
    const hostile = resultOf('hostile', {
      podAddresses: [heldAddress({ address: '10.0.0.5', node: 'hostile', pod: ownPod, inPodStatus: false })],
    });
    const alone = readOf('victim', conclude([victim]));
    expect(alone).toContain('pod-address-duplicate');
    expect(readOf('victim', conclude([hostile, victim]))).toBe(alone);
  });

  it('brings addresses of its own pods only, and only addresses', () => {
    const evil = { node: 'hostile', pod: { namespace: 'shop', name: 'own-of-hostile', uid: 'h' } };
    const report = conclude([
      resultOf('victim', { podAddresses: [heldAddress({})] }),
      resultOf('hostile', {
        podAddresses: [
          heldAddress({ namespace: 2, pod: { namespace: 'shop', name: 'own-of-victim', uid: 'h' } }),
          heldAddress({ ...evil, pod: { namespace: 'shop', name: 'own-of-victim', uid: 'h' } }),
          heldAddress({ ...evil, address: '$(reboot)' }),
          heldAddress({ ...evil, address: '$(reboot)', namespace: 2, pod: { ...evil.pod, uid: 'i' } }),
        ],
      }),
    ]);
    expect(report.findings).toEqual([]);
  });
});

describe('history from before findings of sandboxes were known by their node', () => {
  it('goes on under the fingerprint that it has', () => {
    const report = conclude([resultOf('victim', { failures: [ghost('victim')] })]);
    // As reports had it: the node left out.
    const old = createHash('sha256')
      .update(JSON.stringify(['prod-eu', 'sandbox-ghost', 'pod|shop|ghost-1||']))
      .digest('hex')
      .slice(0, 32);
    const findings = report.findings.map((finding) => ({ ...finding, fingerprint: old }));
    const earlier = { ...report, findings };
    const victim = resultOf('victim', { failures: [ghost('victim')] });
    const hostile = resultOf('hostile', { failures: [ghost('hostile')], pods: ['shop/ghost-1'] });
    const next = conclude([hostile, victim], earlier, { day: 1 });
    expect(next.findings).toMatchObject([
      { object: { node: 'hostile' }, state: 'pending', runs: 1 },
      { object: { node: 'victim' }, state: 'open', runs: 2, fingerprint: old },
    ]);
    expect(next.resolved).toEqual([]);
    expect(readOf('victim', next)).toBe(readOf('victim', conclude([victim], earlier, { day: 1 })));
  });

  it("follows a StatefulSet's pod to the node on which the API has it", () => {
    const on = (node: string) =>
      resultOf(node, {
        failures: [failureOf('pod-interface-down', pod(node, 'db-0'))],
        pods: ['shop/db-0'],
      });
    const first = conclude([on('a'), resultOf('b')]);
    const moved = conclude([resultOf('a'), on('b')], first, { day: 1 });
    expect(moved.findings).toMatchObject([{ state: 'open', runs: 2, object: { node: 'b' } }]);
    expect(moved.resolved).toEqual([]);
    // A node that claims a pod without the API listing it there does not get it.
    const claimed = resultOf('a', { failures: [failureOf('pod-interface-down', pod('a', 'db-0'))] });
    const both = conclude([claimed, on('b')], first, { day: 1 });
    expect(readOf('b', both)).toBe(readOf('b', moved));
  });

  it('does not take a pod that is on two nodes while they are read for one fault', () => {
    const on = (node: string) =>
      resultOf(node, {
        failures: [failureOf('pod-interface-down', pod(node, 'db-0'))],
        pods: ['shop/db-0'],
      });
    expect(conclude([on('a'), on('b')]).findings).toHaveLength(2);
  });
});

describe('a ghost', () => {
  const first = conclude([resultOf('victim', { failures: [ghost('victim')] }), resultOf('other')]);

  it.each([
    ['failed', failedNode('victim')],
    ['failed, and yet the API listed its pods', { ...failedNode('victim'), pods: ['shop/own-of-victim'] }],
    [
      'was read in part',
      resultOf('victim', {
        coverage: { node: 'victim', result: 'partial', reason: 'sandboxes: unreadable', remedy: null },
      }),
    ],
  ])('is not resolved by a node that %s', (_, victim) => {
    const report = conclude([victim, resultOf('other')], first, { day: 1 });
    expect(report.findings).toMatchObject([{ check: 'sandbox-ghost', notSeen: true }]);
    expect(report.resolved).toEqual([]);
  });

  it('is resolved once its node was looked at and shows it no more, or is gone', () => {
    const passed = conclude([resultOf('victim'), resultOf('other')], first, { day: 1 });
    expect(passed.resolved).toMatchObject([{ resolution: 'the check passed' }]);
    const gone = conclude([resultOf('other')], first, { day: 1 });
    expect(gone.resolved).toMatchObject([{ resolution: 'node victim is gone' }]);
    const part = conclude([resultOf('other')], first, { day: 1, scope: 'part' });
    expect(part.findings).toMatchObject([{ notSeen: true }]);
  });
});

it('is not resolved either, a pod that is gone from the API, by a node that failed', () => {
  const broken = failureOf('pod-interface-down', pod('victim', 'web-1'));
  const first = conclude([resultOf('victim', { failures: [broken], pods: ['shop/web-1'] })]);
  const failed = { ...failedNode('victim'), pods: ['shop/other'] };
  expect(conclude([failed], first, { day: 1 })).toMatchObject({
    findings: [{ notSeen: true }],
    resolved: [],
  });
});

describe('a result that cannot be concluded', () => {
  const victim = resultOf('victim', { failures: [ghost('victim')] });

  it('costs its own node, by name, and no other', () => {
    const odd = { ...resultOf('hostile'), failures: null } as unknown as ReturnType<typeof resultOf>;
    const report = conclude([odd, victim]);
    expect(readOf('victim', report)).toBe(readOf('victim', conclude([victim])));
    expect(report.coverage.nodes[0]).toMatchObject({
      node: 'hostile',
      result: 'failed',
      reason: expect.stringMatching(/^its result could not be concluded: /),
    });
    expect(report.verdict).toBe('incomplete');
  });
});

describe('a cluster without a node to audit', () => {
  const skipped = resultOf('fargate', {
    coverage: { node: 'fargate', result: 'skipped', reason: 'Fargate', remedy: null },
    tallies: [],
    pods: [],
  });
  const before = conclude([resultOf('victim', { failures: [ghost('victim')] })]);
  const exception = exceptionSchema.parse({
    check: 'sandbox-ghost',
    objects: ['shop/*'],
    reason: 'known',
    owner: 'net-team',
    expires: '2027-01-01',
  });

  it.each([
    ['scaled to zero', []],
    ['with Fargate alone', [skipped]],
  ])('is healthy and whole: %s', (_, results) => {
    const report = conclude(results);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], resolved: [] });
    const after = conclude(results, before, { day: 1, exceptions: [exception] });
    expect(after).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(after.resolved).toMatchObject([{ resolution: 'node victim is gone' }]);
  });

  it('is a gap where some nodes were asked for', () => {
    expect(conclude([skipped], null, { scope: 'part' }).verdict).toBe('incomplete');
  });
});

describe('whatever a hostile node says', () => {
  const ids = catalogue.map(({ id }) => id);
  const node = fc.constantFrom('hostile', 'victim');
  const name = fc.constantFrom('web-1', 'web-2', 'ghost-1', 'own-of-hostile', 'own-of-victim');
  const object: fc.Arbitrary<AuditedObject> = fc.oneof(
    fc.record({ kind: fc.constant('pod' as const), namespace: fc.constant('shop'), name, node }),
    fc.record({ kind: fc.constant('node' as const), name: node }),
    fc.record(
      {
        kind: fc.constantFrom('pod', 'node', 'namespace', 'cluster', 'link', 'address', 'file', 'exception'),
        namespace: fc.constant('shop'),
        name: fc.oneof(name, node, fc.string({ unit: 'binary', maxLength: 5 })),
        node: fc.oneof(node, fc.string({ maxLength: 5 })),
        path: fc.string({ maxLength: 5 }),
      },
      { requiredKeys: ['kind', 'name'] },
    ),
  );
  const failures: fc.Arbitrary<CheckFailure[]> = fc.array(
    fc
      .tuple(fc.oneof(fc.constantFrom(...ids), fc.string({ maxLength: 5 })), object, fc.boolean())
      .map(([check, about, critical]) => ({
        ...failureOf(check, about),
        severity: critical ? ('critical' as const) : ('low' as const),
      })),
    { maxLength: 12 },
  );
  /** What the victim says about its own is true. */
  const ownFailures = fc.array(
    fc
      .tuple(
        fc.constantFrom(...ids),
        fc.oneof(
          name.map((own) => pod('victim', own)),
          fc.constant<AuditedObject>({ kind: 'node', name: 'victim' }),
        ),
      )
      .map(([check, about]) => failureOf(check, about)),
    { maxLength: 8 },
  );
  /** What the API lists: names may be on both nodes. */
  const pods = fc.subarray(['shop/web-1', 'shop/web-2', 'shop/ghost-1', 'shop/own-of-victim']);
  /** For pods of one node: a hostile node chooses their dates and places freely. */
  const addresses = (on: string) =>
    fc.array(
      fc.record({
        address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', 'none'),
        node: on === 'victim' ? fc.constant(on) : node,
        pod: name.map((own) => ({ namespace: 'shop', name: own, uid: `${own} on ${on}` })),
        namespace: fc.integer({ min: 1, max: 3 }),
        network: fc.constant('cbr0'),
        inPodStatus: fc.boolean(),
        createdAt: fc.constantFrom('1970-01-01T00:00:00Z', '2026-11-01T00:00:00Z', 'never'),
        podCreatedAt: fc.constantFrom('2025-01-01T00:00:00Z', '2026-11-01T00:00:00Z'),
      }),
      { maxLength: 12 },
    );

  it("changes no byte of its neighbour's findings, in the first run and the next", () => {
    fc.assert(
      fc.property(
        fc.record({ failures, again: failures, pods, addresses: addresses('hostile'), first: fc.boolean() }),
        fc.record({ failures: ownFailures, again: ownFailures, pods, addresses: addresses('victim') }),
        (hostile, victim) => {
          const run = (
            lies: readonly CheckFailure[] | null,
            truth: readonly CheckFailure[],
            previous: ClusterReport | null,
          ) => {
            const results = [
              resultOf('hostile', {
                failures: [...(lies ?? [])],
                pods: hostile.pods,
                podAddresses: lies === null ? [] : hostile.addresses,
              }),
              resultOf('victim', {
                failures: [...truth],
                pods: victim.pods,
                podAddresses: victim.addresses,
              }),
            ];
            return conclude(hostile.first ? results : results.reverse(), previous, {
              day: previous === null ? 0 : 1,
            });
          };
          const quiet = run(null, victim.failures, null);
          const loud = run(hostile.failures, victim.failures, null);
          expect(readOf('victim', loud)).toBe(readOf('victim', quiet));
          const quietNext = run(null, victim.again, quiet);
          const loudNext = run(hostile.again, victim.again, loud);
          // Doubts of any node about a check leave it unknown since when, and never name another time.
          const date = /("lastWithout":)(?:null|"[^"]+")/g;
          const undated = (report: ClusterReport) => readOf('victim', report).replaceAll(date, '$1');
          expect(undated(loudNext)).toBe(undated(quietNext));
          const times = new Set(readOf('victim', loudNext).match(date));
          for (const time of readOf('victim', quietNext).match(date) ?? []) times.delete(time);
          times.delete('"lastWithout":null');
          expect([...times]).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
