/** Recorded nodes to attack, and a neighbour that has nothing in common with them: other pods, addresses and ids. */
import { readFileSync } from 'node:fs';
import { checksFor } from '../../lib/audit/checks-for.ts';
import { concludeRun } from '../../lib/audit/conclude-run.ts';
import { judgeNode } from '../../lib/audit/judge-node.ts';
import type { Snapshot } from '../../lib/model/kubernetes.ts';
import type { NodeResult } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { type BundleFiles, buildEvidence, type RunRecord, readArchive } from '../../lib/probe/index.ts';
import { netlinkOf } from './netlink.ts';

export type RecordedNode = {
  readonly files: BundleFiles;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly record: RunRecord;
};

export const NEIGHBOUR = 'node-7';

export async function recordedNode(name: 'healthy' | 'broken'): Promise<RecordedNode> {
  const archive = readFileSync(new URL(`../../demo/${name}.tar.gz`, import.meta.url));
  const { files, before, after, audit } = await readArchive(archive);
  if (files === null || after === null) throw new Error(`the recording ${name} has no probe`);
  return { files, before, after, record: audit };
}

/** The node as if its probe could ask the kernel: netlink instead of `ip` output. */
export function withNetlink(node: RecordedNode): RecordedNode {
  const files = new Map(node.files);
  for (const [path, content] of node.files) {
    const answers = /^netns\/\d+\/ip\.json$/.test(path) ? netlinkOf(content) : null;
    if (answers === null) continue;
    files.delete(path);
    files.set(path.replace(/ip\.json$/, 'netlink'), answers);
  }
  return { ...node, files };
}

/** The node as if it had been asked to ping the next one, and said that it reached all whose address it was given. */
export function withCross(node: RecordedNode): RecordedNode {
  const pods = node.after.pods
    .filter(({ hostNetwork, podIPs }) => !hostNetwork && podIPs.length > 0)
    .map(({ namespace, name, uid, podIPs: [address = ''] }) => ({ namespace, name, uid, address }));
  const more = Array.from({ length: 40 }, (_, n) => ({
    ...{ namespace: 'more', name: `more-${n}`, uid: `more-${n}`, address: `10.244.1.${200 + n}` },
  }));
  const sources = [...pods, ...more].map((pod) => ({ ...pod, restricted: null }));
  const targets = sources.slice(0, 2).map((pod) => ({ ...pod, stayed: true }));
  const next = { name: NEIGHBOUR, address: '10.99.0.71' };
  const said = [next, ...sources, ...sources].map(({ address }) => `${address} is alive\n`).join('');
  return {
    ...node,
    after: { ...node.after, crossing: { status: 'planned', next, sources, targets } },
    files: new Map([
      ...node.files,
      ['active/cross', Buffer.from(said)],
      ['steps', Buffer.concat([node.files.get('steps') ?? Buffer.of(), Buffer.from('active_cross 0 9\n')])],
    ]),
  };
}

/** Another node of the same cluster: the recording with other names, addresses, uids and container ids. */
export function elsewhere({ files, before, after, record }: RecordedNode): RecordedNode {
  const pods = [...before.pods, ...after.pods].map(({ name }) => name);
  const renamed = (text: string): string => withOtherNames(text, new Set(pods));
  const snapshot = (of: Snapshot): Snapshot => JSON.parse(renamed(JSON.stringify(of)));
  return {
    files: new Map(
      [...files].map(([path, content]) => [
        path,
        Buffer.from(renamed(Buffer.from(content).toString('latin1')), 'latin1'),
      ]),
    ),
    before: snapshot(before),
    after: snapshot(after),
    record,
  };
}

/** A pod that the API forgot while its sandbox keeps running. */
export function withGhost(node: RecordedNode): RecordedNode {
  const without = (of: Snapshot): Snapshot => ({
    ...of,
    pods: of.pods.filter(({ uid }) => uid !== ghostOf(node).uid),
  });
  return { ...node, before: without(node.before), after: without(node.after) };
}

export function ghostOf({ before }: RecordedNode): Snapshot['pods'][number] {
  const ghost = before.pods.find(({ name }) => name.startsWith('nft-drop-one-'));
  if (ghost === undefined) throw new Error('the recording has no such pod');
  return ghost;
}

/** Same length as before. */
function withOtherNames(text: string, pods: ReadonlySet<string>): string {
  return [...pods]
    .reduce((all, pod) => all.replaceAll(pod, pod.replace(/..$/, 'zz')), text)
    .replaceAll('10.244.1.', '10.244.7.')
    .replaceAll('10.98.0.10', '10.98.0.70')
    .replaceAll('10.99.0.11', '10.99.0.71')
    .replaceAll('node-1', NEIGHBOUR)
    .replaceAll(/\bshop\b/g, 'mart')
    .replaceAll('netns-audit-e2e', 'netns-audit-b2b')
    .replaceAll(/[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) =>
      id.replaceAll(/[0-9a-f]/g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16)),
    );
}

/** The same node with a unique name, so that many can be in one cluster. */
export function named(node: RecordedNode, name: string): RecordedNode {
  const snapshot = (of: Snapshot): Snapshot => ({
    ...of,
    node: { ...of.node, name, uid: `uid-${name}` },
    pods: of.pods.map((pod) => ({ ...pod, node: name })),
  });
  return { ...node, before: snapshot(node.before), after: snapshot(node.after) };
}

export function judged({ files, before, after, record }: RecordedNode): NodeResult {
  const evidence = buildEvidence({ files, before, after, settleSeconds: record.settleSeconds });
  const gathered = { before, after, files, canary: null, evidence, coverage: null };
  return judgeNode(gathered, checksFor(record.active), record.settleSeconds);
}

/** The report of a cluster of these nodes, in the order in which they finish. */
export function concluded(
  record: RunRecord,
  results: readonly NodeResult[],
  previous: ClusterReport | null,
): ClusterReport {
  return concludeRun({ record, finishedAt: record.startedAt, results, previous, exceptions: [] });
}
