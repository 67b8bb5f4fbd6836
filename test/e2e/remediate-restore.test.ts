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
import { hasHostLocal, isBridge } from './faults/fault.ts';
import type { RunResult } from './run.ts';

const [node] = inject('nodes') as [string];
const baseline = new Set(inject('baseline'));
const IMAGE = process.env.NETNS_AUDIT_E2E_IMAGE ?? DEFAULT_IMAGE;

const platform = inject('platform');
const has = (...plugins: string[]): boolean => plugins.includes(platform.plugin);
/** Each pod has a route of its own, and nothing else puts it back while the test looks at it. */
const isRouted = has('ptp', 'aws-cni');

type Loss = {
  readonly check: string;
  readonly inPod: boolean;
  readonly inject: string;
  readonly when: boolean;
  /** Default 1. */
  readonly objects?: number;
};

/** What is lost by one pod each, and the check that finds it. */
const LOSSES: readonly Loss[] = (
  [
    { check: 'pod-loopback-down', inPod: true, inject: 'ip link set lo down', when: true },
    {
      check: 'pod-default-route-missing',
      inPod: true,
      inject: 'ip route del default',
      when: isBridge(platform),
    },
    {
      check: 'pod-gateway-route-missing',
      inPod: true,
      inject: `ip route del "$(ip route show dev eth0 proto kernel | awk '{ print $1; exit }')" dev eth0`,
      when: isBridge(platform),
    },
    {
      check: 'bridge-port-flags-wrong',
      inPod: false,
      inject: 'ip link set "$HOST_LINK" type bridge_slave learning off isolated on',
      when: isBridge(platform),
      objects: 2,
    },
    {
      check: 'veth-bridge-detached',
      inPod: false,
      inject: 'ip link set "$HOST_LINK" nomaster',
      when: isBridge(platform),
    },
    {
      check: 'veth-host-side-down',
      inPod: false,
      inject: 'ip link set "$HOST_LINK" down',
      when: isBridge(platform),
    },
    {
      check: 'node-neighbour-wrong',
      inPod: false,
      inject: `link=$(ip route get "$IP" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'); ip neigh replace "$IP" lladdr 02:de:ad:00:00:01 nud permanent dev "$link"`,
      when: isBridge(platform) || isRouted,
    },
    {
      check: 'pod-gateway-neighbour-wrong',
      inPod: true,
      inject: `ip neigh replace "$(ip route show default | sed 's/.*via \\([^ ]*\\).*/\\1/')" lladdr 02:00:00:00:be:ef dev eth0 nud permanent`,
      when: isBridge(platform) || isRouted,
    },
    {
      check: 'pod-neighbour-wrong',
      inPod: true,
      inject: 'ip neigh replace "$FIRST_IP" lladdr 02:00:00:00:be:e0 dev eth0 nud permanent',
      when: isBridge(platform),
    },
    { check: 'host-route-missing', inPod: false, inject: 'ip route del "$IP/32"', when: isRouted },
    {
      check: 'host-route-misdirected',
      inPod: false,
      inject: `scope=$(ip route show "$IP/32" | sed 's/.*scope \\([a-z]*\\).*/\\1/'); ip route replace "$IP/32" dev "$FIRST" scope "$scope"`,
      when: isRouted,
    },
    {
      check: 'aws-rule-missing',
      inPod: false,
      inject: 'ip rule del to "$IP" priority 512',
      when: has('aws-cni'),
    },
  ] satisfies readonly Loss[]
).filter(({ when }) => when);
const OBJECTS = LOSSES.reduce((sum, { objects = 1 }) => sum + objects, 0);

let folder: string;
let kubeconfig: string;
let store: string;
let pods: readonly PodOnNode[];
let before: string;
let broken: string;
let run: string;

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
    "ip route; ip rule | sort; ip neigh show nud permanent | sort; cat /proc/sys/net/ipv4/ip_forward; ip -d -o link | grep -oE '^[0-9]+: [^ ]+ <[^>]*>|master [^ ]+|(hairpin|learning|isolated) [a-z]+'",
  );
  const ofPods = await Promise.all(
    pods.map((pod) =>
      inNetworkOf(
        node,
        pod.variables.PID ?? '',
        'ip -o addr; ip route; ip neigh show nud permanent; ip -o link | cut -d " " -f 2-4',
      ),
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
  await kubectl(['delete', 'namespace', REPAIR_NAMESPACE, '--ignore-not-found']);
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!isBridge(platform) && !isRouted)(`pods on ${node} that lost a part of their network`, () => {
  beforeAll(async () => {
    before = await network();
    for (const [index, { inPod, inject: script }] of LOSSES.entries()) {
      const pod = pods[index];
      if (pod === undefined) throw new Error('a pod is missing');
      const withFirst = script.replace('$FIRST_IP', pods[0]?.variables.IP ?? '');
      if (inPod) await inNetworkOf(node, pod.variables.PID ?? '', withFirst);
      else
        await inNodeNetwork(node, script, {
          ...pod.variables,
          FIRST: pods[0]?.variables.HOST_LINK ?? '',
        });
    }
    const { report } = await audit([], { store });
    const found = newFindings(report, baseline);
    expect(found.map(({ check }) => check).toSorted(), found.map(summary).join('\n')).toEqual(
      LOSSES.map(({ check }) => check).toSorted(),
    );
    broken = await network();
  });

  it('are planned to have it back', async () => {
    const { stdout, exitCode } = await remediate();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Put back ${OBJECTS} objects that running pods, or their node, lost.`);
    expect(await network()).not.toBe(before);
  });

  it('are only looked at by a rehearsal', async () => {
    const { stderr, exitCode } = await remediate('--rehearse');
    expect(stderr).toContain(`${OBJECTS} would be put back; nothing was changed`);
    expect(exitCode, stderr).toBe(0);
    expect(await network()).not.toBe(before);
  });

  it('have it back, and the node is as it was before; no pod was restarted', async () => {
    const uids = pods.map(({ pod }) => pod.metadata.uid).toSorted();
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '20');
    run = /remediate --undo (\S+)/.exec(stderr)?.[1] ?? '';
    expect(stderr).toContain(`${OBJECTS} put back; an audit finds them in order`);
    expect(stderr).toContain('To take it back, as root on');
    expect(exitCode, stderr).toBe(0);
    expect(await network()).toBe(before);
    const { report } = await audit([], { store });
    expect(newFindings(report, baseline).map(summary)).toEqual([]);
    const now = await listPods('-l', 'part=to-restore');
    expect(now.map(({ metadata }) => metadata.uid).toSorted()).toEqual(uids);
  });

  it('lose it all again when the run is taken back, and have it back once more', async () => {
    const rehearsed = await remediate('--undo', run, '--rehearse');
    expect(rehearsed.stderr).toContain(`${OBJECTS} would be taken back; nothing was changed`);
    const { stderr, exitCode } = await remediate('--undo', run, '--apply', '--yes', '--limit', '20');
    expect(stderr).toContain(`${OBJECTS} taken back`);
    expect(exitCode, stderr).toBe(0);
    expect(await network()).toBe(broken);
    await audit([], { store });
    expect((await remediate('--apply', '--yes', '--limit', '20')).exitCode).toBe(0);
    expect(await network()).toBe(before);
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

  it('reach the world again once their node forwards', async () => {
    await remediate('--only', 'pod-loopback-down', '--apply', '--yes', '--limit', '10');
    await onNode(node, 'echo 0 > /proc/sys/net/ipv4/ip_forward');
    await audit([], { store });
    const { stderr, exitCode } = await remediate(
      ...['--only', 'node-forwarding-disabled', '--apply', '--yes', '--limit', '5'],
    );
    expect(stderr).toContain('forwarding-4');
    expect(exitCode, stderr).toBe(0);
    expect(await network()).toBe(before);
  });

  it.runIf(isRouted)(
    'are not in the way of the next pod once routes and rules of former ones are gone',
    async () => {
      const rules = ['to 10.244.77.99 lookup main priority 512', 'from 10.244.77.99 lookup 2 priority 1536'];
      await inNodeNetwork(
        node,
        [
          'ip route add "${IP%.*}.243/32" dev "$HOST_LINK" scope link',
          ...(has('aws-cni') ? rules.map((rule) => `ip rule add ${rule}`) : []),
        ].join('; '),
        pods[0]?.variables,
      );
      const left = await network();
      for (const _ of [1, 2]) await audit([], { store });
      const count = has('aws-cni') ? 3 : 1;
      const deleteThem = async (...args: string[]): Promise<RunResult> =>
        await remediate(...args, '--yes', '--limit', '5');
      expect((await remediate('--rehearse')).stderr).toContain(
        `${count} would be deleted; nothing was changed`,
      );
      expect(await network()).toBe(left);
      const { stderr, exitCode } = await deleteThem('--apply');
      expect(stderr).toContain(`${count} deleted; an audit finds nothing of them`);
      expect(exitCode, stderr).toBe(0);
      expect(await network()).toBe(before);
      expect(stderr).not.toContain('remediate --undo');
      const byHand = [...stderr.matchAll(/^ +(ip -[46] (?:route|rule) add .+)$/gm)].map(([, typed]) => typed);
      expect(byHand).toHaveLength(count);
      await inNodeNetwork(node, byHand.join('; '), pods[0]?.variables);
      expect(await network()).toBe(left);
      for (const _ of [1, 2]) await audit([], { store });
      expect((await deleteThem('--apply')).exitCode).toBe(0);
      expect(await network()).toBe(before);
      const { report } = await audit([], { store });
      expect(newFindings(report, baseline).map(summary)).toEqual([]);
    },
  );

  it.runIf(isBridge(platform))('are reached again once the node has the route of their subnet', async () => {
    await inNodeNetwork(
      node,
      `bridge=$(ip -j link show "$HOST_LINK" | jq -r '.[0].master'); ip route del "$(ip route show dev "$bridge" proto kernel | cut -d ' ' -f 1)" dev "$bridge"`,
      pods[0]?.variables,
    );
    await audit([], { store });
    const { stdout, stderr, exitCode } = await remediate(
      ...['--only', 'host-route-missing', '--apply', '--yes', '--limit', '5'],
    );
    expect(stdout).toMatch(/ 1: [a-z0-9]+\/10\./);
    expect(exitCode, stderr).toBe(0);
    expect(await network()).toBe(before);
  });
});

describe.skipIf(!hasHostLocal(platform))(`a leaked pair and a leaked address on ${node}`, () => {
  it('are deleted and freed once two audits have seen them, and nothing else changes', async () => {
    const records = '/var/lib/cni/networks/*';
    const recorded = async (): Promise<string> =>
      await onNode(node, `grep -H . ${records}/*[0-9].[0-9]* | sort`);
    const [links, addresses] = [await network(), await recorded()];
    // Above what the pods have by now, and as old as a record must be before it is freed.
    await onNode(
      node,
      `file=$(dirname "$(ls ${records}/last_reserved_ip.0 | head -n 1)")/"\${IP%.*}.243"
[ ! -e "$file" ]; printf 'e2e0dead%056d\\r\\neth0' 1 >"$file"; touch -d '20 minutes ago' "$file"`,
      pods[0]?.variables,
    );
    await inNodeNetwork(node, 'ip link add veth0e2e0009 type veth peer name e2epeer0');
    const [linksLeft, addressesLeft] = [await network(), await recorded()];
    expect([linksLeft, addressesLeft]).not.toEqual([links, addresses]);
    const { report: once } = await audit([], { store });
    expect(
      newFindings(once, baseline)
        .map(({ check }) => check)
        .toSorted(),
    ).toEqual(['ipam-leaked', 'veth-orphaned']);
    expect((await remediate()).stdout).toContain('one audit has seen it, and two are wanted');
    await audit([], { store });
    const rehearsed = await remediate('--rehearse');
    expect(rehearsed.stderr).toContain('2 of 2 would be repaired, 0 refused; nothing was changed');
    expect([await network(), await recorded()]).toEqual([linksLeft, addressesLeft]);
    const { stdout, stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '5');
    expect(stdout).toContain('Delete 1 pair');
    expect(stdout).toContain('Free 1 address');
    expect(stderr.match(/1 deleted; an audit finds nothing of them/g)).toHaveLength(2);
    expect(exitCode, stderr).toBe(0);
    expect([await network(), await recorded()]).toEqual([links, addresses]);
    const { report } = await audit([], { store });
    expect(newFindings(report, baseline).map(summary)).toEqual([]);
  });
});
