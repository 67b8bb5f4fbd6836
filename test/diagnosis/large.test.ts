/** The maximum that one node can make a cluster's conclusion process: takes seconds, so these are not unit tests. */
import { describe, expect, it } from 'vitest';
import type { AuditedObject } from '../../lib/model/finding.ts';
import { conclude, failureOf, heldAddress, readOf, resultOf } from './nodes.ts';

describe('a node that says as much as it can', () => {
  const victim = resultOf('victim', {
    failures: [
      failureOf('sandbox-ghost', { kind: 'pod', namespace: 'shop', name: 'ghost-1', node: 'victim' }),
    ],
  });

  it('is concluded, and costs its neighbours nothing: 160,000 addresses in 8 pods, 150,000 findings', () => {
    const pods = Array.from({ length: 8 }, (_, n) => `shop/evil-${n}`);
    const podAddresses = Array.from({ length: 160_000 }, (_, n) =>
      heldAddress({
        address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
        node: 'hostile',
        pod: { namespace: 'shop', name: `evil-${n % 8}`, uid: `uid-${n % 8}` },
      }),
    );
    const failures = Array.from({ length: 150_000 }, (_, n) =>
      failureOf('namespace-orphaned', { kind: 'namespace', name: `net:[${n}]`, node: 'hostile' }),
    );
    const report = conclude([resultOf('hostile', { pods, podAddresses, failures }), victim]);
    expect(readOf('victim', report)).toBe(readOf('victim', conclude([victim])));
    expect(report.coverage.checks.find(({ check }) => check === 'pod-address-duplicate')).toMatchObject({
      unknown: 8,
    });
  }, 60_000);

  it('has its hundred thousand earlier findings looked at again, and as many that a check left open, in linear time', () => {
    const hidden = Array.from(
      { length: 100_000 },
      (_, n): AuditedObject => ({
        kind: 'pod',
        namespace: 'shop',
        name: `evil-${n}`,
        node: 'hostile',
      }),
    );
    const failures = hidden.map((object) => failureOf('pod-interface-down', object));
    const pods = hidden.map(({ name }) => `shop/${name}`);
    const first = conclude([resultOf('hostile', { failures, pods })]);
    const { tallies } = resultOf('hostile');
    const unexamined = hidden.map(({ name }) => `pod|shop|${name}|hostile|`);
    const next = resultOf('hostile', {
      pods,
      tallies: tallies.map((entry) => ({ ...entry, unknown: unexamined.length, unexamined })),
    });
    const report = conclude([next], first, { day: 1 });
    expect(report.findings).toHaveLength(100_000);
    expect(report.resolved).toEqual([]);
    // Anything quadratic would take hours.
  }, 300_000);
});
