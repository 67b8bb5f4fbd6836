/** `netns-audit remediate` on leaked addresses in Calico's own records, with the rights of the manifests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { addressAt } from '../../lib/model/calico-ipam.ts';
import { exactJson, parseExact } from '../../lib/model/exact-json.ts';
import { audit, netnsAudit, newFindings, summary } from './audit.ts';
import { apply, inNodeNetwork, kubectl, NAMESPACE, POD_IMAGE, waitReady } from './cluster.ts';
import { isCalico } from './faults/fault.ts';
import { type RunResult, waitFor } from './run.ts';

const [node] = inject('nodes') as [string];
const baseline = new Set(inject('baseline'));
const image = process.env.NETNS_AUDIT_E2E_IMAGE;

type Attribute = { handle_id: string; secondary: Record<string, string>; [field: string]: unknown };
type Block = {
  metadata: { name: string };
  spec: {
    cidr: string;
    affinity?: string;
    allocations: (number | null)[];
    unallocated: number[];
    attributes: Attribute[];
    sequenceNumber: bigint;
    sequenceNumberForAllocation: Record<string, bigint>;
  };
};

/** One container each, by the letter of its id: the first is leaked, the others only look like it. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  '2': 'the pod netns-audit-e2e/e2e-has-it has the address',
  '3': 'its pod netns-audit-e2e/e2e-gone-3 is there, with this container',
  '4': 'it was taken less than 15 minutes ago',
  '5': 'it is the address of a tunnel, a gateway or a Service',
  '6': 'a network namespace of the node has the address',
  '7': 'it belongs to another pod by now',
};
const LETTERS = ['1', ...Object.keys(LOOKALIKES)];
const handleOf = (letter: string): string => `k8s-pod-network.${letter.repeat(64)}`;
/** As an act names it. */
const nameOf = (letter: string): string => `${blockName}/${addresses[letter]}`;
const timestamp = (time: number): string =>
  `${new Date(time).toISOString().replace('T', ' ').replace('Z', '')} +0000 UTC`;

let folder: string;
let kubeconfig: string;
let store: string;
let blockName: string;
/** By letter. */
let addresses: Readonly<Record<string, string>>;

const remediate = async (...args: string[]): Promise<RunResult> =>
  await netnsAudit([
    ...['remediate', '--kubeconfig', kubeconfig, '--store', store, '--node', node, '--only', 'ipam-leaked'],
    ...(image === undefined ? [] : ['--image', image]),
    ...args,
  ]);
const applied = async (): Promise<RunResult> => await remediate('--apply', '--yes', '--limit', '20');

async function blocks(): Promise<Block[]> {
  return (parseExact(await kubectl(['get', 'ipamblocks', '-o', 'json'])) as { items: Block[] }).items;
}
/** Of each address that is taken, what its block has of it: with its number, and the handles as they are. */
async function taken(): Promise<Map<string, string>> {
  const entries = (await blocks()).flatMap(({ spec }) =>
    spec.allocations.flatMap((index, ordinal): [string, string][] =>
      index === null
        ? []
        : [
            [
              addressAt(spec.cidr, ordinal),
              `${JSON.stringify(spec.attributes[index])} ${spec.sequenceNumberForAllocation[ordinal]}`,
            ],
          ],
    ),
  );
  const handles = await kubectl(['get', 'ipamhandles', '-o', 'json']);
  const items = JSON.parse(handles).items as { metadata: { name: string; resourceVersion: string } }[];
  return new Map([
    ...entries,
    ...items.map((item): [string, string] => [item.metadata.name, JSON.stringify(item)]),
  ]);
}

/** Writes the first block of the node, again if Calico wrote it in between. */
async function changeBlock(change: (spec: Block['spec']) => void): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const block = (await blocks()).find(({ spec }) => spec.affinity === `host:${node}`);
    if (block === undefined) throw new Error(`no block of ${node}`);
    change(block.spec);
    try {
      await kubectl(['replace', '-f', '-'], { input: JSON.stringify(exactJson(block)) });
      return block.metadata.name;
    } catch (error) {
      if (tries > 10) throw error;
    }
  }
}
const attributeOf = ({ attributes }: Block['spec'], letter: string): Attribute => {
  const found = attributes.find(({ handle_id: id }) => id === handleOf(letter));
  if (found === undefined) throw new Error(`no ${letter}`);
  return found;
};

const containers = [
  { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
];
const podOf = (metadata: { name: string; labels: object; annotations?: object }, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: NAMESPACE, ...metadata },
  spec: { terminationGracePeriodSeconds: 0, containers, ...spec },
});
/** A pod that no node takes: it has only what is written about it. */
const nowhere = (name: string, annotations: Record<string, string>): object =>
  podOf(
    { name, annotations, labels: { part: 'calico' } },
    { nodeSelector: { 'netns-audit-e2e': 'nowhere' } },
  );
const controller = podOf(
  { name: 'controllers', labels: { part: 'calico-controllers', 'k8s-app': 'calico-kube-controllers' } },
  {},
);

describe.runIf(isCalico(inject('platform')))(`leaked addresses of Calico on ${node}`, () => {
  let before: Map<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
    [kubeconfig, store] = [join(folder, 'kubeconfig'), join(folder, 'store')];
    const manifests = ['manifests', '--no-admission-policy', '--remediate', '--calico'];
    await apply((await netnsAudit(manifests)).stdout);
    const config = parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify']));
    const groups = ['netns-auditor', 'netns-auditor-remediate', 'netns-auditor-calico'];
    Object.assign(config.users[0].user, { as: 'ann', 'as-groups': groups });
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    // The node has a block of its own once it has a pod.
    await apply([podOf({ name: 'e2e-here', labels: { part: 'calico-here' } }, { nodeName: node })]);
    await waitReady('part=calico-here', 1);
    before = await taken();
    const given: Record<string, string> = {};
    let cidr = '';
    blockName = await changeBlock((spec) => {
      cidr = spec.cidr;
      for (const letter of LETTERS) {
        const ordinal = spec.unallocated.pop() ?? 0;
        given[letter] = addressAt(spec.cidr, ordinal);
        spec.allocations[ordinal] = spec.attributes.length;
        spec.attributes.push({
          handle_id: handleOf(letter),
          secondary: {
            namespace: NAMESPACE,
            node,
            pod: `e2e-gone-${letter}`,
            timestamp: timestamp(Date.now() - 3_600_000),
          },
        });
        spec.sequenceNumberForAllocation[ordinal] = spec.sequenceNumber;
      }
      spec.sequenceNumber += 1n;
    });
    addresses = given;
    await apply(
      LETTERS.map((letter) => ({
        apiVersion: 'crd.projectcalico.org/v1',
        kind: 'IPAMHandle',
        metadata: { name: handleOf(letter) },
        spec: { handleID: handleOf(letter), block: { [cidr]: 1 }, deleted: false },
      })),
    );
    for (const _ of [1, 2]) await audit([], { store });
  });
  afterAll(async () => {
    await inNodeNetwork(node, `ip addr del ${addresses['6']}/32 dev lo 2>/dev/null || :`);
    for (const part of ['calico', 'calico-here', 'calico-controllers'])
      await kubectl(['delete', 'pod', '-n', NAMESPACE, '-l', `part=${part}`, '--wait=false']);
    for (const letter of LETTERS)
      await kubectl(['delete', 'ipamhandle', handleOf(letter), '--ignore-not-found']);
    for (const kind of ['clusterrole', 'clusterrolebinding'])
      await kubectl([
        'delete',
        kind,
        'netns-auditor-remediate',
        'netns-auditor-calico',
        '--ignore-not-found',
      ]);
    await rm(folder, { recursive: true, force: true });
  });

  it('are planned to be freed', async () => {
    const { stdout, exitCode } = await remediate();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Free ${LETTERS.length} addresses in Calico's blocks`);
    expect((await remediate('-o', 'script')).stdout).toContain(
      `#! calicoctl ipam release --ip=${addresses['1']}`,
    );
  });

  it('are refused without each of the rights that --calico gives', async () => {
    const role = parseAllDocuments((await netnsAudit(['manifests', '--calico'])).stdout)
      .map((document) => document.toJS())
      .find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'netns-auditor-calico');
    type Rule = { resources: string[]; verbs: string[] };
    const rights = (role.rules as Rule[]).flatMap(({ resources, verbs }) =>
      verbs.map((verb) => [verb, resources[0]] as const),
    );
    expect(rights).toHaveLength(5);
    for (const [verb, resource] of rights) {
      const rules = (role.rules as Rule[]).map((rule) => ({
        ...rule,
        verbs: rule.resources[0] === resource ? rule.verbs.filter((each) => each !== verb) : rule.verbs,
      }));
      await apply([{ ...role, rules }]);
      const { stderr, exitCode } = await remediate('--rehearse');
      expect(stderr).toContain(
        `you may not ${verb} ${resource}: have an administrator apply netns-audit manifests --remediate --calico`,
      );
      expect(exitCode).toBe(1);
    }
    await apply([role]);
  });

  it('are only looked at by a rehearsal', async () => {
    const now = await taken();
    const { stderr, exitCode } = await remediate('--rehearse');
    expect(stderr).toContain(`${LETTERS.length} would be freed; nothing was changed`);
    expect(exitCode, stderr).toBe(0);
    expect(await taken()).toEqual(now);
  });

  it('are left to the controller of Calico where it runs', async () => {
    const without = (await taken()).size;
    await apply([controller]);
    await waitReady('part=calico-controllers', 1);
    const now = await taken();
    const { stderr, exitCode } = await applied();
    expect(stderr).toContain('calico-kube-controllers runs, and frees it by itself: try again after 20');
    expect(exitCode).toBe(1);
    await kubectl(['delete', 'pod', 'controllers', '-n', NAMESPACE, '--wait=true']);
    await waitFor('Calico to free its address', async () => (await taken()).size === without);
    const after = await taken();
    for (const address of Object.values(addresses)) expect(after.get(address)).toBe(now.get(address));
  });

  it('are freed where nothing else has them, and nothing else changes', async () => {
    await apply([
      nowhere('e2e-has-it', { 'cni.projectcalico.org/podIP': `${addresses['2']}/32` }),
      nowhere('e2e-gone-3', { 'cni.projectcalico.org/containerID': '3'.repeat(64) }),
    ]);
    await changeBlock((spec) => {
      attributeOf(spec, '4').secondary.timestamp = timestamp(Date.now());
      attributeOf(spec, '5').secondary.type = 'vxlanTunnelAddress';
      attributeOf(spec, '7').secondary.pod = 'e2e-other';
    });
    await inNodeNetwork(node, `ip addr add ${addresses['6']}/32 dev lo`);
    const now = await taken();
    const { stderr, exitCode } = await applied();
    expect(stderr).toContain('1 freed');
    for (const [letter, why] of Object.entries(LOOKALIKES))
      expect(stderr).toContain(`${why}: ${nameOf(letter)}`);
    expect(exitCode, stderr).toBe(1);
    const after = await taken();
    const gone = [...now.keys()].filter((key) => !after.has(key));
    expect(gone.toSorted()).toEqual([addresses['1'], handleOf('1')].toSorted());
    for (const [key, value] of after) expect(value, key).toBe(now.get(key));
    const whole = (await blocks()).every(({ spec }) =>
      spec.allocations.every((index, ordinal) => (index === null) === spec.unallocated.includes(ordinal)),
    );
    expect(whole).toBe(true);
  });

  it('leave a cluster in order, whose pods get addresses', async () => {
    await inNodeNetwork(node, `ip addr del ${addresses['6']}/32 dev lo`);
    await kubectl(['delete', 'pod', '-n', NAMESPACE, '-l', 'part=calico', '--wait=true']);
    await changeBlock((spec) => {
      for (const letter of ['4', '5', '7']) {
        const { secondary } = attributeOf(spec, letter);
        delete secondary.type;
        secondary.pod = `e2e-gone-${letter}`;
        secondary.timestamp = timestamp(Date.now() - 3_600_000);
      }
    });
    await audit([], { store });
    const { stderr, exitCode } = await applied();
    expect(stderr).toContain(`${LETTERS.length - 1} freed; an audit finds nothing of them`);
    expect(exitCode, stderr).toBe(0);
    const { report } = await audit([], { store });
    expect(newFindings(report, baseline).map(summary)).toEqual([]);
    const after = await taken();
    for (const [key, value] of before) expect(after.get(key), key).toBe(value);
    for (const letter of LETTERS) expect(after.has(addresses[letter] ?? ''), letter).toBe(false);
  });
});
