import { expect, it } from 'vitest';
import { type Fault, month, type Night, pod } from './month.ts';

const noInterface: Fault = {
  check: 'pod-interface-missing',
  object: pod('shop', 'web-1', 'node-4'),
  detail: 'No interface eth0, only lo; Kubernetes still shows 10.244.1.7.',
  command: 'kubectl delete pod -n shop web-1',
};

/** A small cluster whose nodes come and go; on the sixth night an upgrade has replaced them all. */
function night(day: number): Night {
  const old = ['node-1', 'node-2', ...(day === 2 || day === 3 ? ['node-4'] : [])];
  return {
    uid: 'uid-1',
    nodes: day < 6 ? old : ['node-5', 'node-6', 'node-7'],
    removed: day === 2 ? ['node-2'] : [],
    faults: day === 3 ? [noInterface] : [],
    orphans: { 'node-1': day === 5 ? 12 : 3 },
  };
}

it('where nodes come and go only what was told is told to be over', { timeout: 60_000 }, async () => {
  const { mails, reports } = await month(8, night);
  expect(reports.get(2)?.verdict).toBe('healthy');
  expect(mails.map(({ day, text }) => `${day}. ${text.split('\n\nReport:')[0]}`)).toMatchInlineSnapshot(`
    [
      "3. prod-eu: Pod has no network interface: shop/web-1 on node-4.
    prod-eu is critical: 1 new (critical).
    2026-11-03 02:06 UTC: 3 nodes audited; 37 pods; all checks.

    New, not counted by the audit of 2026-11-02 02:14 UTC:
      critical pod-interface-missing shop/web-1 on node-4
        No interface eth0, only lo; Kubernetes still shows 10.244.1.7.
        Why it matters: A pod whose namespace lost its interface has no
        network at all, while Kubernetes still shows it Running with an
        address and sends it traffic.
        On cluster prod-eu: Repair it.
        $ kubectl delete pod -n shop web-1",
      "4. prod-eu is healthy: 1 resolved.
    2026-11-04 02:13 UTC: 2 nodes audited; 24 pods; all checks.

    Resolved:
      critical pod-interface-missing shop/web-1 on node-4
        node node-4 is gone; first seen 2026-11-03.",
      "5. prod-eu is healthy: 1 threshold crossed.
    2026-11-05 02:05 UTC: 2 nodes audited; 24 pods; all checks.

    Thresholds crossed:
      node-1 has 12 orphaned namespaces (more than 10)
        Each namespace-orphaned finding in the report shows how to remove it
        safely.",
      "6. prod-eu is healthy: 1 threshold back to normal.
    2026-11-06 02:12 UTC: 3 nodes audited; 36 pods; all checks.

    Back to normal:
      orphaned namespaces of node-1: no longer measured (the node is gone,
      or the threshold)",
    ]
  `);
});
