import { beforeAll, describe, expect, it } from 'vitest';
import { anException, type Fault, type Mail, month, type Night, pod } from './month.ts';

const noInterface: Fault = {
  check: 'pod-interface-missing',
  object: pod('shop', 'web-1', 'node-1'),
  detail: 'No interface eth0, only lo; Kubernetes still shows 10.244.1.7.',
  command: 'kubectl delete pod -n shop web-1',
};
const flapper: Fault = {
  check: 'pod-loopback-down',
  object: pod('billing', 'db-0', 'node-3'),
  detail: 'lo is down.',
  command: 'kubectl delete pod -n billing db-0',
};
const noPlugin: Fault = {
  check: 'cni-plugin-missing',
  object: { kind: 'file', name: '/opt/cni/bin/aws-cni', node: 'node-4' },
  detail: 'The configuration names aws-cni; no such file in /opt/cni/bin.',
  command: 'kubectl -n kube-system delete pod -l k8s-app=aws-node --field-selector spec.nodeName=node-4',
};
const cannotStart = (name: string): Fault => ({
  check: 'sandbox-create-failing',
  object: pod('shop', name, 'node-4'),
  detail: 'FailedCreatePodSandBox 14 times since 01:12.',
});
const blackhole: Fault = {
  check: 'pod-route-blackhole',
  object: pod('shop', 'cart-2', 'node-5'),
  detail: 'A rule inside the pod drops what it sends.',
  command: 'kubectl delete pod -n shop cart-2',
};
const hostLink: Fault = {
  check: 'host-interface-in-pod',
  object: pod('lab', 'trace-1', 'node-6'),
  detail: 'ens6 of the node is in the network namespace of the pod.',
  step: 'End the pod: the kernel gives a device of the node back to it.',
};
const fewLeft = (severity: 'high' | 'critical', count: string): Fault => ({
  check: 'namespace-count-near-limit',
  object: { kind: 'node', name: 'node-2' },
  severity,
  detail: `${count} of at most 63,000 network namespaces.`,
  step: 'On node node-2, as root: raise the limit as a stop-gap, until the next boot',
  command: 'sysctl -w user.max_net_namespaces=126000',
});
const exception = anException({
  check: 'host-interface-in-pod',
  objects: ['lab/*'],
  reason: 'packet capture of the lab',
  owner: 'net-team',
  expires: '2026-11-20',
});

/** From the first day to the last, both included. */
const during = (day: number, first: number, last: number) => day >= first && day <= last;

function night(day: number): Night | 'missing' | 'unreachable' {
  if (day === 20) return 'missing';
  if (during(day, 24, 25)) return 'unreachable';
  const faults = [
    ...(during(day, 2, 3) ? [noInterface] : []),
    ...([5, 7, 9].includes(day) || during(day, 11, 26) ? [flapper] : []),
    ...(during(day, 8, 9) ? [noPlugin, ...['a', 'b', 'c', 'd', 'e'].map(cannotStart)] : []),
    ...(day === 9 ? [cannotStart('f')] : []),
    ...(during(day, 11, 26) ? [blackhole] : []),
    ...(during(day, 6, 21) ? [hostLink] : []),
    ...(day === 28 ? [fewLeft('high', '53,200')] : []),
    ...(day === 29 ? [fewLeft('critical', '62,800')] : []),
  ];
  return {
    faults,
    uid: day < 27 ? 'uid-1' : 'uid-2',
    away: during(day, 12, 14) ? ['node-5'] : [],
    orphans: { 'node-7': during(day, 16, 18) ? 12 : day > 18 ? 9 : 8 },
    exceptions: day < 23 ? [exception] : [],
    renamed: day < 15 ? {} : { 'pod-loopback-down': 'pod-link-down' },
  };
}

let mails: readonly Mail[];
let reports: Awaited<ReturnType<typeof month>>['reports'];
beforeAll(async () => {
  ({ mails, reports } = await month(30, night));
}, 60_000);

const mailOf = (day: number): string => {
  const [mail, second] = mails.filter((each) => each.day === day);
  if (second !== undefined) throw new Error('two mails in one night');
  return mail === undefined ? 'no mail' : mail.text;
};
const open = (day: number) =>
  reports.get(day)?.findings.map(({ check, state, flapping, notSeen, suppressed, runs }) => ({
    check,
    state,
    flapping,
    notSeen,
    suppressed: suppressed !== null,
    runs,
  }));

describe('a month of nights', () => {
  it('sends these mails, and no other', () => {
    expect(mails.map(({ day, subject }) => `${day}. ${subject}`)).toMatchInlineSnapshot(`
      [
        "2. prod-eu critical: 1 new (critical): Pod has no network interface",
        "4. prod-eu healthy: 1 resolved: pod-interface-missing shop/web-1 on node-1",
        "5. prod-eu degraded: 1 new (high): Pod's loopback interface is down or without 127.0.0.1",
        "6. prod-eu healthy: 1 resolved: pod-loopback-down billing/db-0 on node-3",
        "7. prod-eu degraded: 1 came back (high): Pod's loopback interface is down or without 127.0.0.1",
        "8. prod-eu critical: 1 new (critical), 1 resolved: CNI plugin in the configuration is not installed",
        "9. prod-eu critical: 1 flapping (high): Pod's loopback interface is down or without 127.0.0.1",
        "10. prod-eu healthy: 1 resolved: cni-plugin-missing /opt/cni/bin/aws-cni on node-4",
        "11. prod-eu degraded: 1 new (high): Route inside the pod drops its traffic",
        "12. prod-eu incomplete: 7 of 8 nodes were fully audited (less than 95 %): node-5: its kubelet does n...",
        "15. prod-eu degraded: 8 of 8 nodes were fully audited (at least 95 %)",
        "16. prod-eu degraded: node-7 has 12 orphaned namespaces (more than 10)",
        "18. prod-eu degraded: 1 no longer flapping (high), 1 still open (high): pod-link-down billing/db-0 o...",
        "19. prod-eu degraded: node-7 is back to 9 orphaned namespaces (at most 10)",
        "21. prod-eu degraded: 1 no longer excepted (high), audits were missed: Node's network device is insi...",
        "22. prod-eu degraded: 1 resolved: host-interface-in-pod lab/trace-1 on node-6",
        "24. prod-eu incomplete: not audited: the cluster was not reached: CLUSTER_UNREACHABLE: connect ETIME...",
        "26. prod-eu degraded: audited again, 2 still open (high): pod-link-down billing/db-0 on node-3",
        "27. prod-eu healthy: another cluster",
        "28. prod-eu degraded: 1 new (high): Network namespaces near their limit",
        "29. prod-eu critical: 1 worse (critical): Network namespaces near their limit",
        "30. prod-eu healthy: 1 resolved: namespace-count-near-limit node-2",
      ]
    `);
  });

  it('tells a fault with what was read and the command that repairs it', () => {
    expect(mailOf(2)).toMatchInlineSnapshot(`
      "prod-eu: Pod has no network interface: shop/web-1 on node-1.
      prod-eu is critical: 1 new (critical).
      2026-11-02 02:14 UTC: 8 nodes audited; 97 pods; all checks.

      New, not counted by the audit of 2026-11-01 02:07 UTC:
        critical pod-interface-missing shop/web-1 on node-1
          No interface eth0, only lo; Kubernetes still shows 10.244.1.7.
          Why it matters: A pod whose namespace lost its interface has no
          network at all, while Kubernetes still shows it Running with an
          address and sends it traffic.
          On cluster prod-eu: Repair it.
          $ kubectl delete pod -n shop web-1

      Report:
        netns-audit reports show 20261102T021400Z-01bcbe9a --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('is silent about what was told', () => {
    expect(mailOf(3)).toBe('no mail');
    expect(open(3)?.[0]).toMatchObject({ check: 'pod-interface-missing', state: 'open', runs: 2 });
  });

  it('tells that it is over', () => {
    expect(mailOf(4)).toMatchInlineSnapshot(`
      "prod-eu is healthy: 1 resolved.
      2026-11-04 02:13 UTC: 8 nodes audited; 96 pods; all checks.

      Resolved:
        critical pod-interface-missing shop/web-1 on node-1
          pod shop/web-1 is gone from node node-1; first seen 2026-11-02.

      Report:
        netns-audit reports show 20261104T021300Z-1288893f --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('says that a fault came back, and whether it is the same one', () => {
    expect(mailOf(5)).toMatchInlineSnapshot(`
      "prod-eu: Pod's loopback interface is down or without 127.0.0.1:
        billing/db-0 on node-3.
      prod-eu is degraded: 1 new (high).
      2026-11-05 02:05 UTC: 8 nodes audited; 97 pods; all checks.

      New, not counted by the audit of 2026-11-04 02:13 UTC:
        high pod-loopback-down billing/db-0 on node-3
          lo is down.
          Why it matters: Containers of a pod talk to each other, to their
          sidecars and to themselves over 127.0.0.1.
          On cluster prod-eu: Repair it.
          $ kubectl delete pod -n billing db-0

      Report:
        netns-audit reports show 20261105T020500Z-afc2bb75 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(6)).toMatchInlineSnapshot(`
      "prod-eu is healthy: 1 resolved.
      2026-11-06 02:12 UTC: 8 nodes audited; 97 pods; all checks.

      Resolved:
        high pod-loopback-down billing/db-0 on node-3
          pod billing/db-0 is gone from node node-3; first seen 2026-11-05.

      Report:
        netns-audit reports show 20261106T021200Z-2add7213 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(7)).toMatchInlineSnapshot(`
      "prod-eu: Pod's loopback interface is down or without 127.0.0.1:
        billing/db-0 on node-3.
      prod-eu is degraded: 1 came back (high).
      2026-11-07 02:04 UTC: 8 nodes audited; 98 pods; all checks.

      Came back:
        high pod-loopback-down billing/db-0 on node-3
          First seen 2026-11-05 02:05 UTC; came back once.
          lo is down.
          Why it matters: Containers of a pod talk to each other, to their
          sidecars and to themselves over 127.0.0.1.
          On cluster prod-eu: Repair it.
          $ kubectl delete pod -n billing db-0

      Report:
        netns-audit reports show 20261107T020400Z-9ecccb99 --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('tells the cause and not each pod that fails of it, also not those of the next night', () => {
    expect(mailOf(8)).toMatchInlineSnapshot(`
      "prod-eu: CNI plugin in the configuration is not installed:
        /opt/cni/bin/aws-cni on node-4.
      prod-eu is critical: 1 new (critical), 1 resolved.
      2026-11-08 02:11 UTC: 8 nodes audited; 102 pods; all checks.

      New, not counted by the audit of 2026-11-07 02:04 UTC:
        critical cni-plugin-missing /opt/cni/bin/aws-cni on node-4
          The configuration names aws-cni; no such file in /opt/cni/bin.
          Why it matters: The runtime fails on the whole chain: no new pod on
          the node gets a network, and deleted pods stay in Terminating,
          because DEL needs the same binaries.
          Explains 5 more findings: sandbox-create-failing.
          On cluster prod-eu: Repair it.
          $ kubectl -n kube-system delete pod -l k8s-app=aws-node \\
            --field-selector spec.nodeName=node-4

      Resolved:
        high pod-loopback-down billing/db-0 on node-3
          pod billing/db-0 is gone from node node-3; first seen 2026-11-05.

      Report:
        netns-audit reports show 20261108T021100Z-563e0f78 --cluster prod-eu --store s3://audits
      "
    `);
    expect(open(9)?.filter(({ check }) => check === 'sandbox-create-failing')).toHaveLength(6);
  });

  it('calls what came back twice flapping, and then is silent while it comes and goes', () => {
    expect(mailOf(9)).toMatchInlineSnapshot(`
      "prod-eu: Pod's loopback interface is down or without 127.0.0.1:
        billing/db-0 on node-3.
      prod-eu is critical: 1 flapping (high).
      2026-11-09 02:03 UTC: 8 nodes audited; 104 pods; all checks.
      Open since 2026-11-08: 1 critical (CNI plugin in the configuration is
        not installed).

      Comes and goes (reported again once stable for a week):
        high pod-loopback-down billing/db-0 on node-3
          First seen 2026-11-05 02:05 UTC; came back 2 times.
          lo is down.
          Why it matters: Containers of a pod talk to each other, to their
          sidecars and to themselves over 127.0.0.1.
          On cluster prod-eu: Repair it.
          $ kubectl delete pod -n billing db-0

      Report:
        netns-audit reports show 20261109T020300Z-90b67c71 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(10)).toMatchInlineSnapshot(`
      "prod-eu is healthy: 1 resolved.
      2026-11-10 02:10 UTC: 8 nodes audited; 97 pods; all checks.

      Resolved:
        critical cni-plugin-missing /opt/cni/bin/aws-cni on node-4
          the check passed; first seen 2026-11-08.

      Report:
        netns-audit reports show 20261110T021000Z-3e70075f --cluster prod-eu --store s3://audits
      "
    `);
    expect(open(9)).toContainEqual(expect.objectContaining({ check: 'pod-loopback-down', flapping: true }));
  });

  it('mentions the flapping one only among what else is open, when another fault is told', () => {
    expect(mailOf(11)).toMatchInlineSnapshot(`
      "prod-eu: Route inside the pod drops its traffic: shop/cart-2 on
        node-5.
      prod-eu is degraded: 1 new (high).
      2026-11-11 02:02 UTC: 8 nodes audited; 99 pods; all checks.
      Open since 2026-11-05: 1 high (Pod's loopback interface is down or
        without 127.0.0.1).

      New, not counted by the audit of 2026-11-10 02:10 UTC:
        high pod-route-blackhole shop/cart-2 on node-5
          A rule inside the pod drops what it sends.
          Why it matters: No CNI plugin creates such routes or rules in a pod.
          On cluster prod-eu: Repair it.
          $ kubectl delete pod -n shop cart-2

      Report:
        netns-audit reports show 20261111T020200Z-8a3cd81b --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('says once that a node is away, keeps its findings open, and says when all are there again', () => {
    expect(mailOf(12)).toMatchInlineSnapshot(`
      "prod-eu is incomplete: 1 threshold crossed.
      2026-11-12 02:09 UTC: 7 nodes audited, 1 failed; 86 pods; all checks.
      Open since 2026-11-05 or later: 2 high (Pod's loopback interface is
        down or without 127.0.0.1; Route inside the pod drops its traffic).

      Thresholds crossed:
        7 of 8 nodes were fully audited (less than 95 %): node-5: its kubelet
        does not answer

      Report:
        netns-audit reports show 20261112T020900Z-76647eba --cluster prod-eu --store s3://audits
      "
    `);
    expect(open(13)).toContainEqual(
      expect.objectContaining({ check: 'pod-route-blackhole', state: 'open', notSeen: true }),
    );
    expect([mailOf(13), mailOf(14)]).toEqual(['no mail', 'no mail']);
    expect(mailOf(15)).toMatchInlineSnapshot(`
      "prod-eu is degraded: 1 threshold back to normal.
      2026-11-15 02:00 UTC: 8 nodes audited; 99 pods; all checks.
      Open since 2026-11-05 or later: 2 high (Pod's loopback interface is
        down or without 127.0.0.1; Route inside the pod drops its traffic).

      Back to normal:
        8 of 8 nodes were fully audited (at least 95 %)

      Report:
        netns-audit reports show 20261115T020000Z-d809b574 --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('keeps the history of a check that was renamed that night', () => {
    expect(open(15)).toContainEqual(
      expect.objectContaining({ check: 'pod-link-down', state: 'open', runs: 8 }),
    );
    expect(reports.get(15)?.resolved).toEqual([]);
  });

  it('tells a threshold when it is crossed and when it is back', () => {
    expect(mailOf(16)).toMatchInlineSnapshot(`
      "prod-eu is degraded: 1 threshold crossed.
      2026-11-16 02:07 UTC: 8 nodes audited; 99 pods; all checks.
      Open since 2026-11-05 or later: 2 high (Pod's loopback interface is
        down or without 127.0.0.1; Route inside the pod drops its traffic).

      Thresholds crossed:
        node-7 has 12 orphaned namespaces (more than 10)
          Each namespace-orphaned finding in the report shows how to remove it
          safely.

      Report:
        netns-audit reports show 20261116T020700Z-37ff20e0 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(19)).toMatchInlineSnapshot(`
      "prod-eu is degraded: 1 threshold back to normal.
      2026-11-19 02:13 UTC: 8 nodes audited; 99 pods; all checks.
      Open since 2026-11-05 or later: 2 high (Pod's loopback interface is
        down or without 127.0.0.1; Route inside the pod drops its traffic).

      Back to normal:
        node-7 is back to 9 orphaned namespaces (at most 10)

      Report:
        netns-audit reports show 20261119T021300Z-429debe7 --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('says after a week that the flapping one stays, and reminds of what else is open', () => {
    expect(mailOf(18)).toMatchInlineSnapshot(`
      "prod-eu is degraded: 1 no longer flapping (high), 1 still open (high).
      2026-11-18 02:06 UTC: 8 nodes audited; 99 pods; all checks.

      Came and went, and has now stayed for a week (first seen):
        2026-11-05 high pod-link-down billing/db-0 on node-3

      Still open (first seen):
        2026-11-11 high pod-route-blackhole shop/cart-2 on node-5

      Report:
        netns-audit reports show 20261118T020600Z-13a151f8 --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('says that an audit was missed, and what an exception no longer covers', () => {
    for (let day = 6; day < 20; day += 1) expect(mailOf(day)).not.toContain('host-interface-in-pod');
    expect(open(19)).toContainEqual(
      expect.objectContaining({ check: 'host-interface-in-pod', suppressed: true }),
    );
    expect(mailOf(21)).toMatchInlineSnapshot(`
      "prod-eu: Node's network device is inside a pod: lab/trace-1 on node-6.
      prod-eu is degraded: 1 no longer excepted (high), audits were missed.
      2026-11-21 02:12 UTC: 8 nodes audited; 99 pods; all checks.
      Open since 2026-11-05 or later: 2 high (Pod's loopback interface is
        down or without 127.0.0.1; Route inside the pod drops its traffic).
      No audit since 2026-11-19 02:13 UTC: what happened in between was not
        seen.

      No longer excepted:
        high host-interface-in-pod lab/trace-1 on node-6
          First seen 2026-11-06 02:12 UTC. Excepted by net-team until
          2026-11-20.
          ens6 of the node is in the network namespace of the pod.
          Why it matters: If a physical device is in a pod by mistake, the
          node lacks it, and the pod has a way around every network policy.
          End the pod: the kernel gives a device of the node back to it.

      Report:
        netns-audit reports show 20261121T021200Z-17eec344 --cluster prod-eu --store s3://audits
      "
    `);
    expect(open(21)?.map(({ check }) => check)).toContain('exception-expired');
    expect(mailOf(22)).toMatchInlineSnapshot(`
      "prod-eu is degraded: 1 resolved.
      2026-11-22 02:04 UTC: 8 nodes audited; 98 pods; all checks.
      Open since 2026-11-05 or later: 2 high (Pod's loopback interface is
        down or without 127.0.0.1; Route inside the pod drops its traffic).

      Resolved:
        high host-interface-in-pod lab/trace-1 on node-6
          pod lab/trace-1 is gone from node node-6; first seen 2026-11-06.

      Report:
        netns-audit reports show 20261122T020400Z-b00fa2c2 --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('says once that the cluster was not audited, and that it is again; reminders wait until then', () => {
    expect(mailOf(24)).toMatchInlineSnapshot(`
      "prod-eu is incomplete: not audited.
      Open since 2026-11-05 or later, as of the last audit: 2 high (Pod's
        loopback interface is down or without 127.0.0.1; Route inside the pod
        drops its traffic).

      Not audited:
        the cluster was not reached: CLUSTER_UNREACHABLE: connect ETIMEDOUT
        10.0.0.1:443 (last audit: 2026-11-23 02:11 UTC)
          netns-audit doctor (with --context, or --eks and --region) shows
          what is broken and how to fix it.

      Report:
        netns-audit reports show 20261124T020300Z-3d6327b5 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(25)).toBe('no mail');
    expect(mailOf(26)).toMatchInlineSnapshot(`
      "prod-eu is degraded: audited again, 2 still open (high).
      2026-11-26 02:02 UTC: 8 nodes audited; 98 pods; all checks.

      Audited again:
        what happened since 2026-11-23 02:11 UTC was not seen

      Still open (first seen):
        2026-11-05 high pod-link-down billing/db-0 on node-3
        2026-11-11 high pod-route-blackhole shop/cart-2 on node-5

      Report:
        netns-audit reports show 20261126T020200Z-44bfcfa9 --cluster prod-eu --store s3://audits
      "
    `);
  });

  it('says that the cluster was replaced, instead of calling its findings resolved', () => {
    expect(mailOf(27)).toMatchInlineSnapshot(`
      "prod-eu is healthy: another cluster.
      2026-11-27 02:09 UTC: 8 nodes audited; 96 pods; all checks.
      A different cluster now has this name (kube-system has a new uid): its
        history starts again.

      Reported for the cluster before, and ended with it:
        high pod-link-down billing/db-0 on node-3
        high pod-route-blackhole shop/cart-2 on node-5

      Report:
        netns-audit reports show 20261127T020900Z-27ecb48c --cluster prod-eu --store s3://audits
      "
    `);
    expect(reports.get(27)).toMatchObject({ findings: [], resolved: [], remembered: [] });
  });

  it('says that a fault became worse, and that it is over', () => {
    expect(mailOf(28)).toMatchInlineSnapshot(`
      "prod-eu: Network namespaces near their limit: node-2.
      prod-eu is degraded: 1 new (high).
      2026-11-28 02:01 UTC: 8 nodes audited; 96 pods; all checks.

      New, not counted by the audit of 2026-11-27 02:09 UTC:
        high namespace-count-near-limit node-2
          53,200 of at most 63,000 network namespaces.
          Why it matters: At user.max_net_namespaces no new namespace can be
          created: every new pod of the node fails with "failed to create
          network namespace", while running pods keep running.
          On node node-2, as root: raise the limit as a stop-gap, until the
          next boot
          $ sysctl -w user.max_net_namespaces=126000

      Report:
        netns-audit reports show 20261128T020100Z-4c56cab0 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(29)).toMatchInlineSnapshot(`
      "prod-eu: Network namespaces near their limit: node-2.
      prod-eu is critical: 1 worse (critical).
      2026-11-29 02:08 UTC: 8 nodes audited; 96 pods; all checks.

      Worse than last reported:
        critical namespace-count-near-limit node-2 (was high)
          First seen 2026-11-28 02:01 UTC.
          62,800 of at most 63,000 network namespaces.
          Why it matters: At user.max_net_namespaces no new namespace can be
          created: every new pod of the node fails with "failed to create
          network namespace", while running pods keep running.
          On node node-2, as root: raise the limit as a stop-gap, until the
          next boot
          $ sysctl -w user.max_net_namespaces=126000

      Report:
        netns-audit reports show 20261129T020800Z-0a287313 --cluster prod-eu --store s3://audits
      "
    `);
    expect(mailOf(30)).toMatchInlineSnapshot(`
      "prod-eu is healthy: 1 resolved.
      2026-11-30 02:00 UTC: 8 nodes audited; 96 pods; all checks.

      Resolved:
        critical namespace-count-near-limit node-2
          the check passed; first seen 2026-11-28.

      Report:
        netns-audit reports show 20261130T020000Z-6ac65e0a --cluster prod-eu --store s3://audits
      "
    `);
  });
});
