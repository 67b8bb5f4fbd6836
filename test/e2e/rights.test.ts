/**
 * The rights in deploy/ are enough, and each of them is needed. Uses copies of the manifests under other
 * names, so that other people's runs and manifests are not affected.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { canaryManifest } from '../../lib/audit/canary.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE, OWN_LABEL } from '../../lib/model/own-pods.ts';
import { probePod } from '../../lib/probe/index.ts';
import { admissionPolicy } from '../../scripts/admission-policy.ts';
import { probeOf } from '../../scripts/earlier-probe.ts';
import { type Audit, audit, gaps, netnsAudit } from './audit.ts';
import { apply, kubectl, tryKubectl } from './cluster.ts';
import { isCalico, isCilium } from './faults/fault.ts';
import { type RunResult, waitFor } from './run.ts';

const NAMESPACE = 'netns-audit-e2e-rights';
const NAME = 'netns-auditor-e2e-rights';
const IMAGE = process.env.NETNS_AUDIT_E2E_IMAGE ?? DEFAULT_IMAGE;
const allNodes = inject('nodes');
const [node] = allNodes as [string];

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] };
type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: object };
  rules: Rule[];
};

/** The output of `netns-audit manifests`, with other names. */
async function manifests(): Promise<Manifest[]> {
  const { stdout } = await netnsAudit(['manifests', '--image', IMAGE]);
  return manifestsIn(stdout);
}

const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => renamed(document.toJS()) as Manifest);

function renamed(value: unknown): unknown {
  if (value === OWN_LABEL.value) return NAME;
  if (value === DEFAULT_NAMESPACE) return NAMESPACE;
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, key === 'labels' ? each : renamed(each)]),
  );
}

let folder: string;
let kubeconfig: string;

/** As a user with only the group's rights. */
const asAuditor = (...args: string[]): Promise<Audit> => asAuditorOf([node], ...args);

const asAuditorOf = (nodes: readonly string[], ...args: string[]): Promise<Audit> =>
  audit([
    '--kubeconfig',
    kubeconfig,
    '--probe-namespace',
    NAMESPACE,
    '--image',
    IMAGE,
    '--nodes',
    nodes.join(','),
    ...args,
  ]);

beforeAll(async () => {
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=120s']);
  // All at once, as the namespace is as new as its content.
  await apply(await manifests());
  await kubectl(['create', 'serviceaccount', 'admin', '-n', NAMESPACE]);
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
  kubeconfig = join(folder, 'kubeconfig');
  const config = parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify']));
  Object.assign(config.users[0].user, { as: 'nightly', 'as-groups': [NAME] });
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  await waitFor('the admission policy to hold', async () => (await tryPod(stranger())).exitCode !== 0);
});
afterAll(async () => {
  for (const { kind, metadata } of await manifests())
    await kubectl([
      ...['delete', kind, metadata.name, '-n', metadata.namespace ?? NAMESPACE],
      ...['--ignore-not-found', '--wait=false'],
    ]);
  await rm(folder, { recursive: true, force: true });
});

describe('the rights that the manifests give', () => {
  it('are enough for an audit, a canary included', async () => {
    const { report, exitCode, stderr } = await asAuditor('--active', 'cni,ping,dns,cross');

    expect(report.coverage.nodes).toEqual([expect.objectContaining({ node, result: 'audited' })]);
    expect(gaps(report)).toEqual([]);
    expect([0, 1], stderr).toContain(exitCode);
    expect(await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name'])).toBe('');
  });

  // The first pod to end is deleted alone, and others together if there is more than one.
  it.runIf(allNodes.length > 2)('are enough to delete the pods of several nodes together', async () => {
    const { report, stderr } = await asAuditorOf(allNodes);
    expect(
      report.coverage.nodes.map(({ result }) => result),
      stderr,
    ).toEqual(allNodes.map(() => 'audited'));
    expect(await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name'])).toBe('');
  });

  it('are enough to sweep', async () => {
    const swept = await netnsAudit([
      'sweep',
      '--all',
      '--kubeconfig',
      kubeconfig,
      '--probe-namespace',
      NAMESPACE,
    ]);
    expect(swept).toMatchObject({ exitCode: 0, stdout: `No probe pods in namespace ${NAMESPACE}.\n` });
  });

  it('are no more than that', async () => {
    const may = async (...what: string[]): Promise<boolean> =>
      (await tryKubectl(['--kubeconfig', kubeconfig, 'auth', 'can-i', ...what])).exitCode === 0;
    expect(await may('create', 'pods', '-n', NAMESPACE)).toBe(true);
    for (const what of [
      ['create', 'pods', '-n', 'default'],
      ['create', 'pods', '--subresource=exec', '-n', NAMESPACE],
      ['patch', 'pods', '-n', NAMESPACE],
      ['get', 'secrets', '-n', NAMESPACE],
      ['list', 'secrets', '-A'],
      ['list', 'configmaps', '-A'],
      ['get', 'pods', '--subresource=log', '-n', 'kube-system'],
      ['delete', 'pods', '-n', 'default'],
      ['deletecollection', 'pods', '-n', 'default'],
      ['create', 'namespaces'],
      ['patch', 'nodes'],
    ])
      expect(await may(...what), what.join(' ')).toBe(false);
  });
});

describe('without one of the rights, the audit says which', () => {
  const cases: readonly [
    right: string,
    role: 'ClusterRole' | 'Role',
    resource: string,
    verb: string,
    says: RegExp,
  ][] = [
    ['list nodes', 'ClusterRole', 'nodes', 'list', /not allowed to list nodes/],
    ['list pods of all namespaces', 'ClusterRole', 'pods', 'list', /not allowed to list pods/],
    ['list events', 'ClusterRole', 'events', 'list', /not allowed to list events/],
    ['get the two namespaces', 'ClusterRole', 'namespaces', 'get', /not allowed to get namespace/],
    ['create pods', 'Role', 'pods', 'create', /not allowed to create pod/],
    ['watch pods', 'ClusterRole', 'pods', 'watch', /not allowed to watch probe pods/],
    ['delete pods', 'Role', 'pods', 'delete', /not allowed to delete pod/],
    ['read logs', 'Role', 'pods/log', 'get', /not allowed to read the log/],
  ];
  it.each(cases)('%s', async (_right, kind, resource, verb, says) => {
    // Without the lease, a silent kubelet is noticed only later.
    const all = (await manifests()).filter(({ metadata }) => metadata.namespace !== 'kube-node-lease');
    await apply(
      all.filter((manifest) => manifest.kind === kind).map((role) => without(role, resource, verb)),
    );
    try {
      const result = await asAuditor('--deadline', '90s');
      expect(result.exitCode).toBeGreaterThan(1);
      expect(said(result)).toMatch(says);
      expect(said(result)).toContain('netns-audit manifests');
    } finally {
      await apply(all.filter((manifest) => manifest.kind === kind));
      await kubectl([
        'delete',
        'pods',
        '--all',
        '-n',
        NAMESPACE,
        '--grace-period=0',
        '--wait=true',
        '--force',
      ]);
    }
  });
});

describe('without an optional right', () => {
  it('to watch and to delete pods together, as in the roles of earlier versions, the audit is the same', async () => {
    const roles = (await manifests()).filter(({ kind }) => kind.endsWith('Role'));
    const earlier = roles.map((role) => {
      if (role.kind === 'ClusterRole') return without(role, 'pods', 'watch');
      return role.metadata.namespace === NAMESPACE ? withEarlierVerbs(role) : role;
    });
    await apply(earlier);
    try {
      const { report, stderr } = await asAuditorOf(allNodes);
      const audited = allNodes.map((each) => expect.objectContaining({ node: each, result: 'audited' }));
      expect(report.coverage.nodes, stderr).toEqual(audited);
      expect(await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name'])).toBe('');
    } finally {
      await apply(roles);
    }
  });

  it('what needs Services is unknown, and the audit is whole', async () => {
    const all = await manifests();
    const roles = all.filter(({ kind }) => kind === 'ClusterRole');
    await apply(roles.map((role) => without(role, 'services', 'list')));
    try {
      const { report } = await asAuditor();
      expect(report.coverage.nodes).toEqual([expect.objectContaining({ node, result: 'audited' })]);
      expect(JSON.stringify(report.coverage)).toContain('not allowed to list services');
    } finally {
      await apply(roles);
    }
  });

  it('it is unknown which Services broken pods serve, and with it it is known', async () => {
    const roles = (await manifests()).filter(({ kind }) => kind === 'ClusterRole');
    await apply(roles.map((role) => without(role, 'endpointslices', 'list')));
    try {
      const { report } = await asAuditor();
      expect(report.coverage.nodes).toEqual([expect.objectContaining({ node, result: 'audited' })]);
      expect(report.coverage.servicesUnread).toContain('not allowed to list endpointslices');
    } finally {
      await apply(roles);
    }
    expect((await asAuditor()).report.coverage.servicesUnread).toBeUndefined();
  });
});

describe.runIf(isCalico(inject('platform')) || isCilium(inject('platform')))(
  'without the right to what the CNI agent has on file',
  () => {
    const [resource, check] =
      inject('platform').plugin === 'calico'
        ? ['ipamblocks', 'ipam-unrecorded']
        : ['ciliumendpoints', 'cni-endpoint-missing'];

    it('what needs it is unknown, and with it it is known', async () => {
      const roles = (await manifests()).filter(({ kind }) => kind === 'ClusterRole');
      await apply(roles.map((role) => without(role, resource, 'list')));
      try {
        const { report } = await asAuditor();
        expect(report.coverage.nodes).toEqual([expect.objectContaining({ node, result: 'audited' })]);
        expect(reasonsOf(report, check)).toContain(`not allowed to list ${resource}`);
      } finally {
        await apply(roles);
      }
      expect(reasonsOf((await asAuditor()).report, check)).not.toContain('not allowed');
    });
  },
);

function reasonsOf({ coverage }: Audit['report'], check: string): string {
  return JSON.stringify(coverage.checks.find((each) => each.check === check)?.reasons);
}

function withEarlierVerbs(role: Manifest): Manifest {
  const rules = role.rules.map((rule) =>
    rule.verbs.includes('deletecollection') ? { ...rule, verbs: ['create', 'watch', 'delete'] } : rule,
  );
  expect(rules).not.toEqual(role.rules);
  return { ...role, rules };
}

function without(role: Manifest, resource: string, verb: string): Manifest {
  const rules = role.rules.flatMap((rule) => {
    if (!rule.resources.includes(resource)) return [rule];
    const others = { ...rule, resources: rule.resources.filter((each) => each !== resource) };
    const rest = { ...rule, resources: [resource], verbs: rule.verbs.filter((each) => each !== verb) };
    return [others, rest].filter((each) => each.resources.length > 0 && each.verbs.length > 0);
  });
  expect(rules).not.toEqual(role.rules);
  return { ...role, rules };
}

/** Errors, and reasons in a report's coverage. */
function said(result: Audit): string {
  try {
    return result.stderr + JSON.stringify(result.report.coverage);
  } catch {
    return result.stderr;
  }
}

type Pod = { metadata: Record<string, unknown>; spec: Record<string, unknown> };

const tryPod = (pod: object): Promise<RunResult> =>
  tryKubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(pod) });

const stranger = (): Pod & Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'stranger', namespace: NAMESPACE },
  spec: { containers: [{ name: 'any', image: IMAGE }] },
});
const probe = (): Pod =>
  structuredClone(
    probePod({ runId: 'r', node, expires: new Date(), namespace: NAMESPACE, image: IMAGE }),
  ) as unknown as Pod;
const canary = (): Pod =>
  structuredClone(
    canaryManifest(node, {
      runId: 'r',
      namespace: NAMESPACE,
      image: IMAGE,
      pullSecret: null,
      deadlineSeconds: 60,
    }),
  ) as unknown as Pod;

const aCrossPod = (address: string) => ({
  namespace: 'shop',
  name: 'web',
  uid: 'uid-web',
  address,
  restricted: null,
});

const container = (pod: Pod): Record<string, unknown> =>
  (pod.spec.containers as Record<string, unknown>[])[0] as Record<string, unknown>;
const security = (pod: Pod): Record<string, unknown> =>
  container(pod).securityContext as Record<string, unknown>;

describe('the admission policy', () => {
  it.each([
    ['the probe', probe],
    ['the canary', canary],
    [
      'the probe with a pull secret, active probes and no throw-away namespace',
      () =>
        probePod({
          runId: 'r',
          node,
          expires: new Date(),
          namespace: NAMESPACE,
          image: IMAGE,
          imagePullSecret: 'registry',
          active: ['ping', 'dns', 'cross'],
          cross: {
            next: { name: 'node-2', address: '10.0.0.2' },
            sources: [aCrossPod('10.1.0.2'), aCrossPod('fd00:1::2')],
            targets: [aCrossPod('10.2.0.2')].map((pod) => ({ ...pod, stayed: true })),
          },
          creation: false,
          activeDeadlineSeconds: 600,
        }),
    ],
  ])('admits %s', async (_name, pod) => {
    const { exitCode, stderr } = await tryPod(pod());
    expect(exitCode, stderr).toBe(0);
  });

  it.each<[change: string, of: () => Pod, change: (pod: Pod) => void, differs: string]>([
    ['another image', probe, (pod) => (container(pod).image = 'evil/image'), 'spec.containers[0].image'],
    [
      'another script',
      probe,
      (pod) => (container(pod).command as string[]).splice(2, 1, 'id'),
      'spec.containers[0].command',
    ],
    [
      'a script with one line more',
      probe,
      (pod) => {
        const command = container(pod).command as string[];
        command[2] += '\nid';
      },
      'spec.containers[0].command',
    ],
    [
      'arguments of another kind',
      probe,
      (pod) => (container(pod).args as string[]).push('limit=1;id'),
      'spec.containers[0].args',
    ],
    [
      'an environment',
      probe,
      (pod) => (container(pod).env as object[]).push({ name: 'LD_PRELOAD', value: 'x' }),
      'spec.containers[0].env',
    ],
    ['privileges', probe, (pod) => (security(pod).privileged = true), 'securityContext'],
    [
      'a capability more',
      probe,
      (pod) => (security(pod).capabilities as { add: string[] }).add.push('SYS_MODULE'),
      'spec.containers[0].securityContext.capabilities',
    ],
    [
      'a host path',
      probe,
      (pod) => (pod.spec.volumes = [{ name: 'scratch', hostPath: { path: '/' } }]),
      'spec.volumes',
    ],
    ['the IPC namespace', probe, (pod) => (pod.spec.hostIPC = true), 'spec.hostIPC'],
    ['a service account', probe, (pod) => (pod.spec.serviceAccountName = 'admin'), 'spec.serviceAccountName'],
    [
      'a token',
      probe,
      (pod) => (pod.spec.automountServiceAccountToken = true),
      'spec.automountServiceAccountToken',
    ],
    [
      'a second container',
      probe,
      (pod) => (pod.spec.containers as object[]).push({ name: 'b', image: IMAGE }),
      'spec.containers',
    ],
    [
      'an init container',
      probe,
      (pod) => (pod.spec.initContainers = [{ name: 'b', image: IMAGE }]),
      'spec.initContainers',
    ],
    [
      'a life without end',
      probe,
      (pod) => (pod.spec.activeDeadlineSeconds = 86_400),
      'spec.activeDeadlineSeconds',
    ],
    [
      'a hook',
      probe,
      (pod) => (container(pod).lifecycle = { preStop: { exec: { command: ['id'] } } }),
      'spec.containers[0].lifecycle',
    ],
    [
      'a device',
      probe,
      (pod) => (container(pod).resources = { limits: { 'vendor.com/device': '1' } }),
      'spec.containers[0].resources',
    ],
    [
      'an annotation that a runtime may obey',
      probe,
      (pod) =>
        (pod.metadata.annotations = {
          ...(pod.metadata.annotations as object),
          'io.kubernetes.cri-o.Devices': '/dev/sda',
        }),
      'metadata.annotations io.kubernetes.cri-o.Devices',
    ],
    [
      'a canary on the network of the host',
      canary,
      (pod) => (pod.spec.hostNetwork = true),
      'spec.hostNetwork',
    ],
    ['a canary as root', canary, (pod) => (security(pod).runAsUser = 0), 'securityContext.runAsUser'],
    [
      'a canary with a capability',
      canary,
      (pod) => (security(pod).capabilities = { drop: ['ALL'], add: ['NET_ADMIN'] }),
      'capabilities',
    ],
    [
      'a canary with another command',
      canary,
      (pod) => (container(pod).command = ['id']),
      'spec.containers[0].command',
    ],
    ['a stranger', stranger, () => {}, 'metadata.labels'],
  ])('refuses %s, and says where it differs', async (_name, of, change, differs) => {
    const pod = of();
    change(pod);
    const { exitCode, stderr } = await tryPod(pod);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('only the pods of netns-auditor, of the version whose manifests were applied');
    expect(stderr.slice(stderr.indexOf('differs in'))).toContain(differs);
  });

  it('lets nobody into a pod that was admitted, or change what it runs', async () => {
    const pod = canary();
    // Not applied: that would add an annotation, which is refused.
    await kubectl(['create', '-f', '-'], { input: JSON.stringify(pod) });
    const name = pod.metadata.name as string;
    try {
      for (const args of [
        ['exec', name, '--', 'id'],
        ['attach', name],
        ['debug', name, `--image=${IMAGE}`, '--target=canary', '--profile=general'],
        ['set', 'image', `pod/${name}`, 'canary=evil/image'],
      ]) {
        const { exitCode, stderr, stdout } = await tryKubectl(['-n', NAMESPACE, ...args]);
        expect(exitCode, `${args.join(' ')}: ${stdout}`).not.toBe(0);
        expect(stderr).toMatch(/nobody may enter the pods|only the pods of netns-auditor/);
      }
      await kubectl(['-n', NAMESPACE, 'label', 'pod', name, 'told=anything']);
    } finally {
      await kubectl(['-n', NAMESPACE, 'delete', 'pod', name, '--grace-period=0', '--force']);
    }
  });

  it('leaves all other namespaces alone', async () => {
    const { exitCode } = await tryPod({
      ...stranger(),
      metadata: { name: 'stranger', namespace: 'default' },
    });
    expect(exitCode).toBe(0);
  });

  it('is told apart from other reasons when a run has another image than the policy', async () => {
    const result = await asAuditor('--image', 'registry.example/other:1');
    expect(said(result)).toContain('this one differs in spec.containers[0].image');
    expect(result.exitCode).toBe(3);
  });
});

describe('the admission policy after an upgrade', () => {
  const OLD_SCRIPT = 'echo as it was in the release before';
  const policyOfBefore = (): string =>
    admissionPolicy(null)
      .replace(/r'''.*?'''/s, `r'''${OLD_SCRIPT}'''`)
      .replaceAll(', "SYS_CHROOT"', '');
  const upgraded = (): Manifest[] =>
    manifestsIn(admissionPolicy(probeOf('0.0.9', policyOfBefore())).replaceAll(DEFAULT_IMAGE, () => IMAGE));
  const ofBefore = (): Pod => {
    const pod = probe();
    (container(pod).command as string[])[2] = OLD_SCRIPT;
    (security(pod).capabilities as { add: string[] }).add.pop();
    return pod;
  };

  beforeAll(async () => {
    expect((await tryPod(ofBefore())).exitCode).not.toBe(0);
    await apply(upgraded());
    await waitFor('the new policy to hold', async () => (await tryPod(ofBefore())).exitCode === 0);
  });

  it('admits the probes of both versions', async () => {
    for (const pod of [probe(), ofBefore()]) expect(await tryPod(pod)).toMatchObject({ exitCode: 0 });
  });

  it('admits no mixture of them, and names what differs from the newer one', async () => {
    const scriptOfBefore = probe();
    (container(scriptOfBefore).command as string[])[2] = OLD_SCRIPT;
    const scriptOfNow = ofBefore();
    container(scriptOfNow).command = container(probe()).command;
    for (const [pod, differs] of [
      [scriptOfBefore, 'spec.containers[0].command'],
      [scriptOfNow, 'spec.containers[0].securityContext.capabilities'],
    ] as const) {
      const { exitCode, stderr } = await tryPod(pod);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain(differs);
    }
  });
});
