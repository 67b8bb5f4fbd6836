/** `netns-audit remediate` on running pods that lost a part of their network, with the rights and the admission policy of the manifests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { DEFAULT_IMAGE, REPAIR_NAMESPACE } from '../../lib/model/own-pods.ts';
import { audit, netnsAudit, newFindings, summary } from './audit.ts';
import {
  apply,
  findOnNodes,
  inNetworkOf,
  inNodeNetwork,
  kubectl,
  listPods,
  NAMESPACE,
  onNode,
  POD_IMAGE,
  type PodOnNode,
  waitReady,
} from './cluster.ts';
import { isBridge } from './faults/fault.ts';
import type { RunResult } from './run.ts';

const [node] = inject('nodes') as [string];
const baseline = new Set(inject('baseline'));
const IMAGE = process.env.NETNS_AUDIT_E2E_IMAGE ?? DEFAULT_IMAGE;

/** What is lost by one pod each, and the check that finds it. */
const LOSSES = [
  { check: 'pod-loopback-down', inPod: true, inject: 'ip link set lo down' },
  { check: 'pod-default-route-missing', inPod: true, inject: 'ip route del default' },
  {
    check: 'pod-gateway-route-missing',
    inPod: true,
    inject: `ip route del "$(ip route show dev eth0 proto kernel | awk '{ print $1; exit }')" dev eth0`,
  },
  {
    check: 'bridge-port-flags-wrong',
    inPod: false,
    inject: 'ip link set "$HOST_LINK" type bridge_slave learning off isolated on',
  },
  { check: 'veth-bridge-detached', inPod: false, inject: 'ip link set "$HOST_LINK" nomaster' },
  { check: 'veth-host-side-down', inPod: false, inject: 'ip link set "$HOST_LINK" down' },
] as const;

let folder: string;
let kubeconfig: string;
let store: string;
let pods: readonly PodOnNode[];
let before: string;

/** As a person of both groups of the manifests. */
const remediate = async (...args: string[]): Promise<RunResult> =>
  await netnsAudit([
    ...['remediate', '--kubeconfig', kubeconfig, '--store', store, '--node', node],
    ...['--image', IMAGE, ...args],
  ]);

const workload = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'to-restore', namespace: NAMESPACE },
  spec: {
    replicas: LOSSES.length,
    selector: { matchLabels: { part: 'to-restore' } },
    template: {
      metadata: { labels: { part: 'to-restore' } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': node },
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
        ],
      },
    },
  },
};

/** The network of the node and of the pods, as far as it stays the same by itself. */
async function network(): Promise<string> {
  const ofNode = await inNodeNetwork(
    node,
    "ip route; ip rule; ip -d -o link | grep -oE '^[0-9]+: [^ ]+ <[^>]*>|master [^ ]+|(hairpin|learning|isolated) [a-z]+'",
  );
  const ofPods = await Promise.all(
    pods.map((pod) =>
      inNetworkOf(node, pod.variables.PID ?? '', 'ip -o addr; ip route; ip -o link | cut -d " " -f 2-4'),
    ),
  );
  return [ofNode, ...ofPods].join('\n');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
  [kubeconfig, store] = [join(folder, 'kubeconfig'), join(folder, 'store')];
  const { stdout } = await netnsAudit(['manifests', '--remediate', '--image', IMAGE]);
  // Other audits run in the namespace of the probes, of whatever version: its policy is tried elsewhere.
  await apply(
    parseAllDocuments(stdout)
      .map((document) => document.toJS())
      .filter(
        ({ kind, metadata }) =>
          !(kind.startsWith('ValidatingAdmission') && metadata.name === 'netns-auditor'),
      ),
  );
  const config = parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify']));
  const groups = ['netns-auditor', 'netns-auditor-remediate'];
  Object.assign(config.users[0].user, { as: 'ann', 'as-groups': groups });
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  await apply([workload]);
  pods = await findOnNodes(await waitReady('part=to-restore', LOSSES.length));
});
afterAll(async () => {
  await kubectl([
    'delete',
    'deployment',
    'to-restore',
    '-n',
    NAMESPACE,
    '--ignore-not-found',
    '--wait=false',
  ]);
  for (const kind of ['clusterrole', 'clusterrolebinding'])
    await kubectl(['delete', kind, 'netns-auditor-remediate', '--ignore-not-found']);
  for (const kind of ['validatingadmissionpolicy', 'validatingadmissionpolicybinding'])
    await kubectl(['delete', kind, 'netns-auditor-remediate', '--ignore-not-found']);
  await kubectl(['delete', 'namespace', REPAIR_NAMESPACE, '--ignore-not-found', '--wait=false']);
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!isBridge(inject('platform')))(`pods on ${node} that lost a part of their network`, () => {
  beforeAll(async () => {
    before = await network();
    for (const [index, { inPod, inject: script }] of LOSSES.entries()) {
      const pod = pods[index];
      if (pod === undefined) throw new Error('a pod is missing');
      if (inPod) await inNetworkOf(node, pod.variables.PID ?? '', script);
      else await inNodeNetwork(node, script, pod.variables);
    }
    const { report } = await audit([], { store });
    const found = newFindings(report, baseline);
    expect(found.map(({ check }) => check).toSorted(), found.map(summary).join('\n')).toEqual(
      LOSSES.map(({ check }) => check).toSorted(),
    );
  });

  it('are planned to have it back', async () => {
    const { stdout, exitCode } = await remediate();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Put back ${LOSSES.length + 1} objects that running pods lost.`);
    expect(await network()).not.toBe(before);
  });

  it('are only looked at by a rehearsal', async () => {
    const { stderr, exitCode } = await remediate('--rehearse');
    expect(stderr).toContain(`${LOSSES.length + 1} would be put back; nothing was changed`);
    expect(exitCode, stderr).toBe(0);
    expect(await network()).not.toBe(before);
  });

  it('have it back, and the node is as it was before; no pod was restarted', async () => {
    const uids = pods.map(({ pod }) => pod.metadata.uid).toSorted();
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '10');
    expect(stderr).toContain(`${LOSSES.length + 1} put back; an audit finds them in order`);
    expect(stderr).toContain('To take it back, as root on');
    expect(exitCode, stderr).toBe(0);
    expect(await network()).toBe(before);
    const { report } = await audit([], { store });
    expect(newFindings(report, baseline).map(summary)).toEqual([]);
    const now = await listPods('-l', 'part=to-restore');
    expect(now.map(({ metadata }) => metadata.uid).toSorted()).toEqual(uids);
  });

  it('lose it again by the commands that take it back', async () => {
    await inNetworkOf(node, pods[0]?.variables.PID ?? '', 'ip link set lo down');
    await audit([], { store });
    const { stderr } = await remediate('--apply', '--yes', '--limit', '10');
    const [undo] = /nsenter --net=\S+ ip link set lo down/.exec(stderr) ?? [];
    await onNode(node, undo ?? 'false');
    const { report } = await audit([], { store });
    expect(newFindings(report, baseline).map(({ check }) => check)).toEqual(['pod-loopback-down']);
  });
});
