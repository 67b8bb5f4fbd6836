/**
 * `netns-audit remediate` on orphaned namespaces, among others that only look like orphans, with only the
 * rights in the manifests. NETNS_AUDIT_E2E_ORPHANS is their number.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { DEFAULT_IMAGE, REPAIR_NAMESPACE } from '../../lib/model/own-pods.ts';
import { type RepairPodOptions, repairPod } from '../../lib/probe/index.ts';
import { audit, netnsAudit, newFindings, summary } from './audit.ts';
import {
  apply,
  findOnNodes,
  kubectl,
  listPods,
  NAMESPACE,
  onNode,
  POD_IMAGE,
  tryKubectl,
  waitReady,
} from './cluster.ts';
import {
  makeOrphans,
  makeOthers,
  makePlain,
  networksOf,
  OTHERS,
  openPlain,
  PLAIN,
  pin,
  removeOrphans,
  turned,
  turnSome,
} from './orphans.ts';
import { type RunResult, waitFor } from './run.ts';

const [node] = inject('nodes') as [string];
const baseline = new Set(inject('baseline'));
const CHECK = 'namespace-orphaned';
const COUNT = Number(process.env.NETNS_AUDIT_E2E_ORPHANS ?? 50);
const IMAGE = process.env.NETNS_AUDIT_E2E_IMAGE ?? DEFAULT_IMAGE;

const looksAlike = Object.keys(turned).length;

let folder: string;
let kubeconfig: string;
let store: string;
/** When the youngest orphan was created, in milliseconds. */
let made: number;
/** The node's state before anything was created on it. */
let before: readonly string[];

/** As a user in both groups of the manifests. */
const remediate = async (...args: string[]): Promise<RunResult> =>
  await netnsAudit([
    ...['remediate', '--kubeconfig', kubeconfig, '--store', store, '--only', CHECK, '--node', node],
    ...['--image', IMAGE, ...args],
  ]);

const pods = (name: string, replicas: number): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { part: name } },
    template: {
      metadata: { labels: { part: name } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': node },
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
        ],
      },
    },
  },
});

const orphans = async (): Promise<string[]> =>
  (await audit(['--nodes', node])).report.findings
    .filter(({ check }) => check === CHECK)
    .map(({ object }) => object.name)
    .filter((name) => name.startsWith('cni-'));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
  [kubeconfig, store] = [join(folder, 'kubeconfig'), join(folder, 'store')];
  const { stdout } = await netnsAudit(['manifests', '--remediate', '--image', IMAGE]);
  // Audits of any version may run in the probes' namespace, so its policy is tested elsewhere.
  const manifests = parseAllDocuments(stdout).map((document) => document.toJS());
  await apply(
    manifests.filter(
      ({ kind, metadata }) => !(kind.startsWith('ValidatingAdmission') && metadata.name === 'netns-auditor'),
    ),
  );
  const config = parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify']));
  const groups = ['netns-auditor', 'netns-auditor-remediate'];
  Object.assign(config.users[0].user, { as: 'ann', 'as-groups': groups });
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  await removeOrphans(node);
  await apply([pods('lives', 3)]);
  await waitReady('part=lives', 3);
  before = await networksOf(node);
  await makeOthers(node);
  await makePlain(node);
  await makeOrphans(node, COUNT);
  made = Date.now();
  // Two audits have to see them.
  for (const _ of [1, 2]) await audit([], { store });
});
afterAll(async () => {
  await removeOrphans(node);
  for (const name of ['lives', 'comes'])
    await kubectl(['delete', 'deployment', name, '-n', NAMESPACE, '--ignore-not-found', '--wait=false']);
  for (const kind of ['clusterrole', 'clusterrolebinding'])
    await kubectl(['delete', kind, 'netns-auditor-remediate', '--ignore-not-found']);
  for (const kind of ['validatingadmissionpolicy', 'validatingadmissionpolicybinding'])
    await kubectl(['delete', kind, 'netns-auditor-remediate', '--ignore-not-found']);
  await kubectl(['delete', 'namespace', REPAIR_NAMESPACE, '--ignore-not-found']);
  await rm(folder, { recursive: true, force: true });
});

describe(`${COUNT} orphaned namespaces on ${node}`, () => {
  it('are planned to be deleted, aside from those whose name is not of the runtime', async () => {
    const { stdout, exitCode } = await remediate('--limit', '5000');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Delete ${COUNT} orphaned namespaces.`);
    expect(stdout).toMatch(
      /^ {2}0123456789ab, e2e-of-somebody on \S+ \(namespace-orphaned\): its pin is not one that containerd makes/m,
    );
    expect(stdout).not.toContain('netns-e2e0a11e');
  });

  it('are all refused within the settle time, as pods that are being created have such as well', async () => {
    const { stderr, exitCode } = await remediate('--rehearse', '--limit', '5000', '--settle', '1h');
    expect(stderr).toContain(`0 would be deleted, ${COUNT} refused; nothing was changed`);
    expect(stderr).toContain('may belong to a pod that is being created');
    expect(exitCode).toBe(1);
  });

  it('are deleted, no more of them than was said', { timeout: 600_000 }, async () => {
    // The shortest time that a repair takes; a namespace cannot have a different kernel clock.
    await waitFor('the orphans to be old enough', async () => Date.now() > made + 305_000, { seconds: 400 });
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '1', '--settle', '5m');
    expect(stderr).toContain('1 deleted; an audit finds nothing of them');
    expect(exitCode, stderr).toBe(0);
    expect(await orphans()).toHaveLength(COUNT - 1);
  });

  it('are deleted, while what only looks like one stays and pods start', async () => {
    await audit([], { store });
    await turnSome(node);
    await apply([pods('comes', 10)]);
    const began = Date.now();
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '5000', '--settle', '5m');
    const seconds = Math.round((Date.now() - began) / 1000);
    console.warn(`${COUNT} orphans beside ${looksAlike} look-alikes: ${seconds} s\n${stderr}`);
    expect(stderr).toContain(
      `${COUNT - 1 - looksAlike} deleted, ${looksAlike} refused; an audit finds nothing of them`,
    );
    expect(exitCode).toBe(1);
    const refusal = (number: number): string =>
      stderr.split('\n').find((line) => line.includes(pin(number))) ?? '';
    expect(refusal(turned.process)).toMatch(/process \d+ \(sleep\) is in it/);
    expect(refusal(turned.descriptor)).toMatch(/process \d+ \(sleep\) has it open/);
    expect(refusal(turned.socket)).toMatch(/a socket of process \d+ \(sleep\) is of it/);
    expect(refusal(turned.twice)).toContain('it is pinned at /run/e2e/twice as well');
    expect(refusal(turned.device)).toContain('it holds the device e2ebr, which no plugin makes for a pod');
    expect(refusal(turned.remade)).toContain('its pin leads to another namespace by now');
    const there = await onNode(node, `ls -d /run/netns/* ${OTHERS.join(' ')}`);
    for (const number of Object.values(turned)) expect(there).toContain(pin(number));
    for (const path of OTHERS) expect(there).toContain(path);
  });

  it('are not the only ones: a pin that is a plain file is removed, and one that somebody opened stays', async () => {
    await openPlain(node);
    const there = async (): Promise<string> => await onNode(node, 'ls /run/netns');
    const args = ['--only', 'namespace-pin-invalid', '--settle', '5m'];
    const rehearsed = await remediate('--rehearse', ...args);
    expect(rehearsed.stderr).toContain('1 would be deleted, 1 refused; nothing was changed');
    expect(await there()).toContain(pin(PLAIN[0]));
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '5', ...args);
    expect(stderr).toContain('1 deleted, 1 refused; an audit finds nothing of them');
    expect(stderr).toMatch(
      /process \d+ \(sleep\) has its file open: cni-e2e0a11e-0000-4000-8000-000000900002/,
    );
    expect(exitCode, stderr).toBe(1);
    expect(await there()).not.toContain(pin(PLAIN[0]));
    expect(await there()).toContain(pin(PLAIN[1]));
  });

  it('leave nothing else behind, and the pods that started meanwhile are in order', async () => {
    await waitReady('part=comes', 10);
    await removeOrphans(node);
    const { report } = await audit();
    expect(newFindings(report, baseline).map(summary)).toEqual([]);
    await kubectl(['delete', 'deployment', 'comes', '-n', NAMESPACE, '--wait=false']);
    await waitFor('the pods to be gone', async () => (await listPods('-l', 'part=comes')).length === 0);
    await waitFor('the node to be as it was', async () => {
      expect(await networksOf(node)).toEqual(before);
      return true;
    });
  });
});

describe('the pod that repairs a node', () => {
  const options = (changes: Partial<RepairPodOptions> = {}): RepairPodOptions => ({
    runId: `e2e-${Date.now()}`,
    node,
    expires: new Date(Date.now() + 300_000),
    image: IMAGE,
    orphans: [{ name: pin(1), inode: 4026531999, made: 1_700_000_000 }],
    act: true,
    settleSeconds: 300,
    activeDeadlineSeconds: 120,
    ...changes,
  });
  const tryPod = async (pod: object): Promise<RunResult> =>
    await tryKubectl(['--kubeconfig', kubeconfig, 'create', '--dry-run=server', '-f', '-'], {
      input: JSON.stringify(pod),
    });
  /** Starts it, and waits for its end. */
  const logOf = async (pod: ReturnType<typeof repairPod>): Promise<string> => {
    const { name } = pod.metadata;
    await kubectl(['--kubeconfig', kubeconfig, 'create', '-f', '-'], { input: JSON.stringify(pod) });
    await waitFor('the pod to end', async () =>
      (
        await kubectl(['get', 'pod', name, '-n', REPAIR_NAMESPACE, '-o', 'jsonpath={.status.phase}'])
      ).startsWith('Succeeded'),
    );
    const log = await kubectl(['logs', name, '-n', REPAIR_NAMESPACE]);
    await kubectl(['delete', 'pod', name, '-n', REPAIR_NAMESPACE, '--wait=false']);
    return log;
  };
  /** With other arguments. */
  const told = (...args: string[]): object => {
    const pod = repairPod(options());
    return {
      ...pod,
      spec: { ...pod.spec, containers: pod.spec.containers.map((each) => ({ ...each, args })) },
    };
  };

  it('is admitted with as many namespaces as it takes', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => ({
      name: pin(index),
      inode: 4_026_531_999,
      made: 1_700_000_000,
    }));
    const { stderr, exitCode } = await tryPod(repairPod(options({ orphans: many })));
    expect(exitCode, stderr).toBe(0);
  });

  it('is admitted with pairs that plugins named, and records of containers', async () => {
    const objects = [
      'veth=veth0000beef:7',
      'veth=cali0123456789a:8',
      `address=cbr0:10.1.1.1:${'1'.repeat(64)}`,
      `address=k8s-pod-network:fd00::1:${'a'.repeat(64)}`,
    ];
    const { stderr, exitCode } = await tryPod(repairPod(options({ orphans: [], objects })));
    expect(exitCode, stderr).toBe(0);
  });

  it.each([
    ['another path', 'orphan=../../etc:4026531999:1700000000'],
    ['a name that no runtime gives', 'orphan=qrouter-1:4026531999:1700000000'],
    ['a plain file in another place', 'pin=../../etc/passwd:1:1'],
    ['what a shell would run', 'orphan=$(reboot):1:1'],
    ['two in one', `orphan=${pin(1)}:1:1\norphan=${pin(2)}:1:1`],
    ['a link that no plugin named', 'veth=eth0:2'],
    ['a record in another place', `address=../etc:10.1.1.1:${'1'.repeat(64)}`],
    ['a record of no container', 'address=lab:10.1.1.1:'],
    ['another limit', 'restore-limits=kernel.pid_max,node,0,1:2'],
    ['another setting', 'pattern=.*'],
    ['a time in which a pod may be created', 'settle=299'],
  ])('is not admitted with %s', async (_, argument) => {
    const { stderr, exitCode } = await tryPod(told('act=1', argument));
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('this one differs in spec.containers[0].args');
  });

  it('is admitted with one capability more to raise limits of namespaces, and for nothing else', async () => {
    const limits = 'restore-limits=user.max_net_namespaces,node,0,1000:2000';
    const pod = repairPod(options({ orphans: [], objects: [limits] }));
    const { stderr, exitCode } = await tryPod(pod);
    expect(exitCode, stderr).toBe(0);
    const neighbours = 'restore-limits=net.ipv4.neigh.default.gc_thresh,node,0,128:512,512:2048,1024:4096';
    for (const other of [`orphan=${pin(1)}:4026531999:1700000000`, neighbours]) {
      const more = pod.spec.containers.map((each) => ({ ...each, args: [...each.args, other] }));
      const tried = await tryPod({ ...pod, spec: { ...pod.spec, containers: more } });
      expect(tried.stderr).toContain('this one differs in spec.containers[0].securityContext.capabilities');
    }
    expect((await tryPod(told('act=1', neighbours))).exitCode).toBe(0);
  });

  it('raises limits of the node, and lowers them again', async () => {
    const above = '/proc/sys/net/ipv4/neigh';
    const directory = `${above}/default`;
    // A node that is itself in a network namespace has none of its own.
    const isStandIn = !(await onNode(node, `ls ${directory} 2>&1 || :`)).includes('gc_thresh1');
    if (isStandIn)
      await onNode(
        node,
        `mount -t tmpfs neigh ${above} && mkdir ${directory} && cd ${directory} && echo 128 >gc_thresh1 && echo 512 >gc_thresh2 && echo 1024 >gc_thresh3`,
      );
    const state = async (): Promise<string> =>
      await onNode(node, `grep -H . ${directory}/gc_thresh? /etc/sysctl.d/*netns-audit* 2>&1 || :`);
    const found = await state();
    try {
      const values = [...found.matchAll(/gc_thresh\d:(\d+)/g)].map(
        ([, value]) => `${value}:${Number(value) * 2}`,
      );
      const objects = (word: string): string[] => [
        `${word}-limits=net.ipv4.neigh.default.gc_thresh,node,0,${values.join(',')}`,
      ];
      const run = async (runId: string, word: string): Promise<string> =>
        await logOf(repairPod(options({ runId, orphans: [], objects: objects(word) })));
      const runId = `e2e-${Date.now()}`;
      expect(await run(`${runId}-1`, 'restore')).toBe(
        'done net.ipv4.neigh.default.gc_thresh it is as it should be\nend 1\n',
      );
      const raised = await state();
      for (const value of values) expect(raised).toContain(`:${value.split(':')[1]}\n`);
      expect(raised).toContain('zz-netns-audit-neighbours-4.conf:net.ipv4.neigh.default.gc_thresh1 = ');
      expect(await run(`${runId}-2`, 'restore')).toContain(
        'refused net.ipv4.neigh.default.gc_thresh it is as it should',
      );
      // It does not say how full its table is either (test/lab/limits.test.ts has one that does).
      expect(await run(`${runId}-3`, 'undo')).toContain(
        isStandIn
          ? 'refused net.ipv4.neigh.default.gc_thresh how full arp_cache is could not be read'
          : 'done net.ipv4.neigh.default.gc_thresh it is as it was found',
      );
      expect(await state()).toBe(isStandIn ? raised : found);
    } finally {
      await onNode(
        node,
        `rm -f /etc/sysctl.d/zz-netns-audit-neighbours-4.conf${isStandIn ? `; umount ${above}` : ''}`,
      );
    }
  });

  it('is not admitted with another script or image, and no other pod is', async () => {
    const pod = repairPod(options());
    const [container] = pod.spec.containers;
    const changed = (changes: object): object => ({
      ...pod,
      spec: { ...pod.spec, containers: [{ ...container, ...changes }] },
    });
    for (const changes of [
      { command: ['sh', '-c', 'reboot', 'repair'] },
      { image: 'other:1' },
      { securityContext: { privileged: true } },
    ])
      expect((await tryPod(changed(changes))).stderr).toContain('only the pods of netns-auditor');
  });

  it('refuses the namespace of a pod that lives', async () => {
    const [pod] = await findOnNodes(await waitReady('part=lives', 3));
    const path = pod?.variables.PIN ?? '';
    const [inode, made] = (await onNode(node, `stat -L -c '%i %Y' ${path}`)).trim().split(' ').map(Number);
    const manifest = repairPod(
      options({ orphans: [{ name: path.replace(/.*\//, ''), inode: inode ?? 0, made: made ?? 0 }] }),
    );
    const log = await logOf(manifest);
    // By now they are older than the settle time.
    expect(log).toMatch(
      /^refused cni-\S+ (?:a container of the runtime names it|the runtime still knows its sandbox)/,
    );
    expect(await waitReady('part=lives', 3)).toHaveLength(3);
  });
});
