/**
 * `netns-audit remediate` reboots a node, with only the rights in the manifests. Tests cannot boot a node: its systemctl is
 * replaced by one that ends its kubelet and all containers, and has it in another boot as far as the kubelet can tell.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { DEFAULT_IMAGE, REPAIR_NAMESPACE } from '../../lib/model/own-pods.ts';
import { repairPod } from '../../lib/probe/index.ts';
import { audit, netnsAudit, newFindings, summary } from './audit.ts';
import {
  apply,
  getJson,
  isReady,
  kubectl,
  listPods,
  NAMESPACE,
  type Node,
  onNode,
  POD_IMAGE,
  tryKubectl,
  waitReady,
} from './cluster.ts';
import { type RunResult, run, waitFor } from './run.ts';

const nodes = inject('nodes');
const [node] = nodes as [string];
const baseline = new Set(inject('baseline'));
const CHECK = 'kernel-network-bug';
const IMAGE = process.env.NETNS_AUDIT_E2E_IMAGE ?? DEFAULT_IMAGE;

/** Leaves the cgroups of the pod that calls it, which is to end as well. */
const SYSTEMCTL = `#!/bin/sh
[ "$1" = reboot ] || exit 64
for procs in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do echo $$ >"$procs"; done 2>/dev/null
cat /proc/sys/kernel/random/uuid >/run/e2e-boot/id
setsid sh -c '
  mount --bind /run/e2e-boot/id /proc/sys/kernel/random/boot_id
  kill -9 $(pidof kubelet)
  for task in $(ctr -n k8s.io tasks ls -q); do ctr -n k8s.io tasks kill -s SIGKILL "$task"; done
  echo done
' >/run/e2e-boot/log 2>&1 </dev/null &
`;

type NodeOfBoot = Node & {
  readonly spec: { readonly unschedulable?: boolean };
  readonly status: { readonly nodeInfo: { readonly bootID: string } };
};

let folder: string;
let store: string;
/** Of somebody in all three groups of the manifests, and of somebody who may repair, but reboot nothing. */
let kubeconfig: string;
let withoutReboot: string;

const remediate = async (args: readonly string[], config = kubeconfig): Promise<RunResult> =>
  await netnsAudit([
    ...['remediate', '--kubeconfig', config, '--store', store, '--only', CHECK, '--node', node],
    ...['--image', IMAGE, ...args],
  ]);
const stateOf = async (): Promise<NodeOfBoot> => await getJson<NodeOfBoot>(['node', node]);
const bootOf = async (): Promise<string> => (await stateOf()).status.nodeInfo.bootID;
const podsHere = async (): Promise<string[]> =>
  (await listPods('-l', 'part=moves'))
    .filter(({ spec }) => spec.nodeName === node)
    .map(({ metadata }) => metadata.name);

const container = {
  name: 'main',
  image: POD_IMAGE,
  imagePullPolicy: 'IfNotPresent',
  command: ['sleep', '86400'],
};
const moves: object[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'moves', namespace: NAMESPACE },
    spec: {
      replicas: 6,
      selector: { matchLabels: { part: 'moves' } },
      template: {
        metadata: { labels: { part: 'moves' } },
        spec: { terminationGracePeriodSeconds: 0, containers: [container] },
      },
    },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'moves', namespace: NAMESPACE },
    spec: { minAvailable: 5, selector: { matchLabels: { part: 'moves' } } },
  },
];
const bare = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'bare', namespace: NAMESPACE, labels: { part: 'bare' } },
  spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [container] },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
  store = join(folder, 'store');
  const { stdout } = await netnsAudit(['manifests', '--remediate', '--reboot', '--image', IMAGE]);
  const manifests = parseAllDocuments(stdout).map((document) => document.toJS());
  // Audits of any version may run in the probes' namespace, so its policy is tested elsewhere.
  await apply(
    manifests.filter(
      ({ kind, metadata }) => !(kind.startsWith('ValidatingAdmission') && metadata.name === 'netns-auditor'),
    ),
  );
  const config = parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify']));
  const configOf = async (name: string, groups: readonly string[]): Promise<string> => {
    Object.assign(config.users[0].user, { as: 'ann', 'as-groups': groups });
    await writeFile(join(folder, name), JSON.stringify(config), { mode: 0o600 });
    return join(folder, name);
  };
  const groups = ['netns-auditor', 'netns-auditor-remediate'];
  withoutReboot = await configOf('without-reboot', groups);
  kubeconfig = await configOf('kubeconfig', [...groups, 'netns-auditor-reboot']);
  await apply([...moves, bare]);
  await waitReady('part=moves', 6);
  await waitReady('part=bare', 1);
  await onNode(
    node,
    `mkdir -p /run/e2e-boot
cat >/run/e2e-boot/systemctl <<'PROGRAM'
${SYSTEMCTL}PROGRAM
chmod 755 /run/e2e-boot/systemctl
mount --bind /run/e2e-boot/systemctl "$(command -v systemctl)"
echo '<4>kernel BUG at net/core/dev.c:11000!' >/dev/kmsg`,
  );
  await audit([], { store });
});
afterAll(async () => {
  await onNode(
    node,
    `dmesg --clear
umount /proc/sys/kernel/random/boot_id || :
umount "$(command -v systemctl)" || :
setsid sh -c 'sleep 1; kill -9 $(pidof kubelet)' >/dev/null 2>&1 </dev/null &`,
  );
  await tryKubectl(['uncordon', node]);
  await waitFor(
    'the node to be in its own boot',
    async () =>
      (await bootOf()) === (await onNode(node, 'cat /proc/sys/kernel/random/boot_id')).trim() &&
      isReady(await stateOf()),
  );
  for (const object of ['deployment/moves', 'poddisruptionbudget/moves', 'pod/bare'])
    await kubectl(['delete', object, '-n', NAMESPACE, '--ignore-not-found', '--wait=false']);
  for (const kind of ['clusterrole', 'clusterrolebinding'])
    for (const name of ['netns-auditor-remediate', 'netns-auditor-reboot'])
      await kubectl(['delete', kind, name, '--ignore-not-found']);
  for (const kind of ['validatingadmissionpolicy', 'validatingadmissionpolicybinding'])
    await kubectl(['delete', kind, 'netns-auditor-remediate', '--ignore-not-found']);
  await kubectl(['delete', 'namespace', REPAIR_NAMESPACE, '--ignore-not-found']);
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(nodes.length < 2)(`a reboot of ${node}`, () => {
  it('is planned only if check and node are named', async () => {
    expect((await remediate([])).stdout).toContain('Drain and reboot 1 node.');
    const { stdout } = await netnsAudit([
      'remediate',
      '--kubeconfig',
      kubeconfig,
      '--store',
      store,
      '--image',
      IMAGE,
    ]);
    expect(stdout).toContain(`${node} (${CHECK}): the tool reboots a node only if it is named`);
  });

  it('is refused to those who may not cordon it, and so is the pod that does it', async () => {
    const { stderr, exitCode } = await remediate(
      ['--rehearse', '--lose-pod', `${NAMESPACE}/bare`],
      withoutReboot,
    );
    expect(stderr).toContain('you may not cordon it');
    expect(exitCode).toBe(1);
    const pod = repairPod({
      runId: `e2e-${Date.now()}`,
      node,
      expires: new Date(Date.now() + 300_000),
      image: IMAGE,
      objects: [`reboot=${await bootOf()}`],
      act: true,
      settleSeconds: 300,
      activeDeadlineSeconds: 120,
    });
    const tried = async (config: string): Promise<RunResult> =>
      await tryKubectl(['--kubeconfig', config, 'create', '--dry-run=server', '-f', '-'], {
        input: JSON.stringify(pod),
      });
    expect((await tried(withoutReboot)).stderr).toContain(
      'whoever reboots a node must have the right to patch it',
    );
    const allowed = await tried(kubeconfig);
    expect(allowed.exitCode, allowed.stderr).toBe(0);
  });

  it('is refused as long as a pod would be lost', async () => {
    const { stderr, exitCode } = await remediate(['--apply', '--yes', '--limit', '1']);
    expect(stderr).toContain(
      `${NAMESPACE}/bare would be lost (no controller makes it again): name what may be, --lose-pod ${NAMESPACE}/bare`,
    );
    expect(exitCode).toBe(1);
    expect((await stateOf()).spec.unschedulable).toBeUndefined();
  });

  it('is rehearsed without a change', async () => {
    const [before, boot] = [await podsHere(), await bootOf()];
    const { stderr, exitCode } = await remediate(['--rehearse', '--lose-pod', `${NAMESPACE}/bare`]);
    expect(stderr).toMatch(/\d+ pods would be moved elsewhere, and \S+ rebooted; nothing was changed/);
    expect(exitCode, stderr).toBe(0);
    expect([await podsHere(), await bootOf()]).toEqual([before, boot]);
  });

  it('moves its pods as their budget allows, reboots it, and lets pods on it again', {
    timeout: 600_000,
  }, async () => {
    const [boot, moved] = [await bootOf(), await podsHere()];
    expect(moved.length).toBeGreaterThan(1);
    const began = Date.now();
    const running = remediate(['--apply', '--yes', '--limit', '1', '--lose-pod', `${NAMESPACE}/bare`]);
    // A boot empties the log of the kernel.
    await waitFor('another boot', async () => (await bootOf()) !== boot, { seconds: 300 });
    await waitFor('the injector', async () => await onNode(node, 'dmesg --clear; echo cleared'));
    const { stderr, exitCode } = await running;
    console.warn(`${Math.round((Date.now() - began) / 1000)} s\n${stderr}`);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(
      'it has booted, a new pod got its network there, and an audit finds nothing new; it takes pods again',
    );
    const { spec } = await stateOf();
    expect(spec.unschedulable).toBeUndefined();
    const now = await waitReady('part=moves', 6);
    expect(now.filter(({ metadata }) => moved.includes(metadata.name))).toEqual([]);
    expect(await kubectl(['get', 'leases', '-n', 'netns-audit', '-o', 'name'])).toBe('');
    expect((await kubectl(['get', 'node', node, '-o', 'yaml'])).includes('cordoned-by')).toBe(false);
  });

  it('leaves nothing behind', async () => {
    const { report } = await audit([], { store });
    expect(newFindings(report, baseline).map(summary)).toEqual([]);
  });

  it('is a drain if that is asked for: the node stays cordoned, until the printed command lets pods on it', async () => {
    await kubectl(['scale', 'deployment', 'moves', '-n', NAMESPACE, '--replicas=10']);
    await waitReady('part=moves', 10);
    expect(await podsHere()).not.toEqual([]);
    await onNode(node, "echo '<4>kernel BUG at net/core/dev.c:11000!' >/dev/kmsg");
    await audit([], { store });
    const boot = await bootOf();
    const mayLose = ['--lose-pod', `${NAMESPACE}/bare`];
    const rehearsed = await remediate(['--drain', '--rehearse', ...mayLose]);
    expect(rehearsed.stderr).toMatch(/\d+ pods? would be moved elsewhere; nothing was changed/);
    expect((await stateOf()).spec.unschedulable).toBeUndefined();
    const { stderr, exitCode } = await remediate(['--drain', '--apply', '--yes', '--limit', '1', ...mayLose]);
    console.warn(stderr);
    expect(stderr).toMatch(/\d+ pods? (?:was|were) moved elsewhere; it stays cordoned, to be replaced/);
    expect(exitCode, stderr).toBe(0);
    expect(await podsHere()).toEqual([]);
    expect((await stateOf()).spec.unschedulable).toBe(true);
    expect(await bootOf()).toBe(boot);
    const [, typed] = /Or let pods on it again: (kubectl .+)$/m.exec(stderr) ?? [];
    const back = await run('sh', ['-c', typed ?? 'false'], { env: { KUBECONFIG: '/dev/null' } });
    expect(back.exitCode, back.stderr).toBe(0);
    expect((await stateOf()).spec.unschedulable).toBeUndefined();
  });
});
