/** A report for tests: by default healthy, with one node. */
import type { Finding } from '../../lib/model/finding.ts';
import type { ClusterReport } from '../../lib/model/report.ts';

export function aReport(changes: Partial<ClusterReport> = {}): ClusterReport {
  return {
    schemaVersion: 1,
    kind: 'ClusterReport',
    runId: '20260102T030405Z-0a1b2c3d',
    cluster: { name: 'prod-eu', uid: 'c0ffee', version: 'v1.36.0' },
    scope: 'cluster',
    startedAt: '2026-01-02T03:04:05Z',
    finishedAt: '2026-01-02T03:04:09Z',
    auditorVersion: '0.1.0',
    verdict: 'healthy',
    coverage: {
      nodes: [{ node: 'node-1', result: 'audited', reason: null, remedy: null }],
      checks: [
        {
          check: 'pod-interface-missing',
          topic: 'interfaces',
          examined: 12,
          failed: 0,
          notApplicable: 0,
          unknown: 0,
          reasons: [],
        },
      ],
    },
    findings: [],
    resolved: [],
    remembered: [],
    nodes: [
      {
        node: 'node-1',
        pods: 12,
        namespaces: 13,
        orphans: 0,
        limit: 63_000,
        kernel: '6.12.0',
        runtime: 'containerd://2.1.0',
        cni: 'bridge',
        osImage: 'Debian 13',
        ami: null,
        instanceType: null,
        zone: null,
        nodegroup: null,
        probeMs: 700,
      },
    ],
    ...changes,
  };
}

/** About pod shop/web-1, which the tool would recreate, unless the changes name another remedy. */
export function aFinding(changes: Partial<Finding> = {}): Finding {
  const { kind, namespace = '', name } = changes.object ?? { kind: 'pod', namespace: 'shop', name: 'web-1' };
  const isRecreated = kind === 'pod' && changes.remedy === undefined;
  return {
    fingerprint: 'f1',
    check: 'pod-interface-missing',
    topic: 'interfaces',
    severity: 'critical',
    confidence: 'confirmed',
    state: 'new',
    object: { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' },
    title: 'Pod has no network interface',
    detail: 'No interface eth0, only lo; Kubernetes still shows 10.244.1.7.',
    evidence: [{ what: 'interfaces', expected: 'eth0', actual: 'lo', source: 'ip link (netns 4026532400)' }],
    remedy: [{ purpose: 'repair', text: 'Delete the pod.', command: 'kubectl delete pod -n shop web-1' }],
    repair: isRecreated ? { kind: 'recreate-pod', namespace, name } : null,
    firstSeen: '2026-01-02T03:04:05Z',
    lastSeen: '2026-01-02T03:04:05Z',
    runs: 1,
    flaps: 0,
    flapping: false,
    returnedAt: null,
    notSeen: false,
    suppressed: null,
    partOf: null,
    resolution: null,
    children: [],
    ...changes,
  };
}

/** What a hostile node would put anywhere it can. */
export const hostile = `\u001b[2J\u202egnp.exe\n</script><script>alert(1)</script>"'><img src=x onerror=alert(1)>|]]>\uffff\ud800@everyone ${'A'.repeat(10_000)}`;

/** A report whose every free text is hostile. */
export function aHostileReport(text = hostile): ClusterReport {
  const report = aReport({
    verdict: 'critical',
    cluster: { name: text, uid: 'c', version: text },
    findings: [
      aFinding({
        object: { kind: 'pod', namespace: text, name: text, node: text, path: text },
        title: text,
        detail: text,
        evidence: [{ what: text, expected: text, actual: text, source: text }],
        remedy: [{ purpose: 'repair', text, command: text }],
        serves: [text, `${text}/${text}`],
      }),
      aFinding({ fingerprint: 'f2', suppressed: { reason: text, owner: text, expires: text } }),
    ],
    resolved: [aFinding({ state: 'resolved', resolution: text })],
  });
  report.coverage.nodes.push({ node: text, result: 'failed', reason: text, remedy: text });
  report.coverage.checks.push({
    check: 'host-route-missing',
    topic: 'routes',
    examined: 0,
    failed: 0,
    notApplicable: 0,
    unknown: 1,
    reasons: [text],
  });
  report.coverage.servicesUnread = text;
  return report;
}

/** An orphaned namespace of node-1 that two audits saw; its number is its inode. */
export function anOrphan(number: number, changes: Partial<Finding> = {}): Finding {
  const name = `cni-00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const path = `/run/netns/${name}`;
  return aFinding({
    fingerprint: `orphan-${number}`,
    check: 'namespace-orphaned',
    topic: 'namespaces',
    severity: 'medium',
    object: { kind: 'namespace', name, node: 'node-1', path },
    evidence: [{ what: 'pin', actual: `${path} → net:[${number}]`, source: '/proc/1/mountinfo' }],
    remedy: [{ purpose: 'repair', text: 'Unpin it.', command: `umount ${path}` }],
    repair: { kind: 'delete-namespaces', path, inode: number, made: 1_767_323_045 },
    runs: 2,
    ...changes,
  });
}

/** A leaked pair on node-1, as two audits saw it. */
export function aLeakedPair(number: number, changes: Partial<Finding> = {}): Finding {
  const name = `veth${String(number).padStart(8, '0')}`;
  return anOrphan(number, {
    fingerprint: `pair-${number}`,
    check: 'veth-orphaned',
    topic: 'veth',
    object: { kind: 'link', name, node: 'node-1' },
    evidence: [
      { what: 'link on the node', actual: `${name}, number ${number}`, source: 'ip -d link (node)' },
    ],
    remedy: [{ purpose: 'repair', text: 'Delete it.', command: `ip link del ${name}` }],
    repair: { kind: 'delete-veths', name, index: number },
    ...changes,
  });
}

/** A pin on node-1 that is a plain file. */
export function aPlainPin(changes: Partial<Finding> = {}): Finding {
  const name = 'cni-00000000-0000-4000-8000-0000000000ff';
  return anOrphan(99, {
    fingerprint: 'pin',
    check: 'namespace-pin-invalid',
    object: { kind: 'file', name: `/run/netns/${name}`, node: 'node-1' },
    evidence: [],
    repair: { kind: 'delete-pins', name, inode: 99, made: 1_767_323_045 },
    ...changes,
  });
}

/** A route on node-1 to an address that nobody has. */
export function aStaleRoute(number: number, changes: Partial<Finding> = {}): Finding {
  const link = { name: `veth${String(number).padStart(8, '0')}`, index: number };
  const address = `10.1.1.${number}`;
  return anOrphan(number, {
    fingerprint: `stale-${number}`,
    check: 'host-route-stale',
    object: { kind: 'address', name: address, node: 'node-1', path: link.name },
    evidence: [],
    repair: { kind: 'delete-routes', objects: [{ what: 'stale-route', link, address, scope: 'link' }] },
    ...changes,
  });
}

/** Limits of node-1 that are too low, with the values of an ordinary node. */
export function lowLimits(changes: Partial<Finding> = {}): Finding {
  return anOrphan(8, {
    fingerprint: 'limits',
    check: 'namespace-count-near-limit',
    object: { kind: 'node', name: 'node-1' },
    evidence: [],
    repair: { kind: 'raise-limits', limits: 'user.max_net_namespaces', values: [{ from: 1000, to: 2000 }] },
    ...changes,
  });
}

/** Those of the table of neighbours. */
export function lowThresholds(family: 4 | 6, changes: Partial<Finding> = {}): Finding {
  return lowLimits({
    fingerprint: `thresholds-${family}`,
    check: 'neighbour-table-near-full',
    repair: {
      kind: 'raise-limits',
      limits: `net.ipv${family}.neigh.default.gc_thresh`,
      values: [128, 512, 1024].map((from) => ({ from, to: 4 * from })),
    },
    ...changes,
  });
}

/** Records of host-local on node-1 of a container that is gone. */
export function leakedRecords(changes: Partial<Finding> = {}): Finding {
  const addresses = ['10.1.1.5', 'fd00::5'];
  const container = '1'.repeat(64);
  return anOrphan(7, {
    fingerprint: 'records',
    check: 'ipam-leaked',
    topic: 'cni',
    object: { kind: 'file', name: 'lab', node: 'node-1' },
    evidence: addresses.map((address) => ({
      what: 'taken by container, since 2026-01-02T03:04:05Z',
      actual: container,
      source: `/var/lib/cni/networks/lab (${address})`,
    })),
    repair: {
      kind: 'release-addresses',
      records: addresses.map((address) => ({ network: 'lab', address, container })),
    },
    ...changes,
  });
}

/** A pod on node-1 that lost two flags of its port of the bridge. */
export function somethingLost(changes: Partial<Finding> = {}): Finding {
  const namespace = { pin: 'cni-00000000-0000-4000-8000-000000000001', inode: 4026532400 };
  const link = { name: 'veth12345678', index: 7 };
  return aFinding({
    fingerprint: 'flags',
    check: 'bridge-port-flags-wrong',
    topic: 'path',
    repair: {
      kind: 'restore',
      objects: [
        { what: 'port-flag', namespace, link, flag: 'learning', on: true },
        { what: 'port-flag', namespace, link, flag: 'isolated', on: false },
      ],
    },
    ...changes,
  });
}

/** Two of the six pods of shop/cart, each with a fault of its own. */
export const twoFaultsOfCart: Finding[] = ['pod-interface-missing', 'pod-loopback-down'].map((check, n) =>
  aFinding({
    fingerprint: check,
    check,
    object: { kind: 'pod', namespace: 'shop', name: `cart-${n}`, node: 'node-1' },
    replicas: 6,
  }),
);
