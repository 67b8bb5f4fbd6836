/** A cluster of recorded nodes behind the in-process API server, and an audit of it. */
import { readFileSync } from 'node:fs';
import { type AuditOptions, auditCluster, keepEvidence } from '../../lib/audit/index.ts';
import { type Cluster, connect } from '../../lib/cluster/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import type { Node, Pod } from '../../lib/model/kubernetes.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { type BundleFiles, readArchive } from '../../lib/probe/index.ts';
import type { RecordedNode } from '../fuzz/nodes.ts';
import { asLog, aTarGz } from '../probe/log.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { rawEvent, rawNode, rawPod } from '../stub/raw.ts';

const SERVICES = '/api/v1/services';

export type Recording = { readonly archive: Uint8Array; readonly node: Node; readonly log: string };

export function recordingFile(name: 'healthy' | 'broken'): Uint8Array {
  return readFileSync(new URL(`../../demo/${name}.tar.gz`, import.meta.url));
}

export async function logOf(files: BundleFiles): Promise<string> {
  return asLog(await aTarGz([...files].map(([path, content]) => ({ name: path, content }))));
}

/** Adds the recorded node with its pods and events to the cluster; probes there print the recorded bundle. */
export async function serveRecording(stub: StubApiServer, name: 'healthy' | 'broken'): Promise<Recording> {
  const archive = recordingFile(name);
  const { files, before, after } = await readArchive(archive);
  if (files === null || after === null) throw new Error(`the recording ${name} has no probe`);
  const now = takenNow(files);
  await serveNode(stub, { before, after, files: now });
  return { archive, node: before.node, log: await logOf(now) };
}

/** What the API shows of an object, as its kubelet may have made it. */
export type Forge = (kind: 'node' | 'pod' | 'event', object: ApiObject) => ApiObject;

/** Adds a node whose pods come and go while its probe runs. @param forge - changes what the API shows of them */
export async function serveNode(
  stub: StubApiServer,
  { before, after, files }: Pick<RecordedNode, 'before' | 'after' | 'files'>,
  forge: Forge = (_, object) => object,
): Promise<void> {
  const show = (pods: readonly Pod[]): void => {
    for (const pod of pods) stub.pods.set(`${pod.namespace}/${pod.name}`, forge('pod', rawPod(pod)));
  };
  stub.nodes.push(forge('node', rawNode(before.node)));
  show(before.pods);
  // A cluster without Services for DNS, unless a test has some.
  if (!stub.collections.has(SERVICES)) stub.collections.set(SERVICES, []);
  stub.events.push(...before.events.map((event) => forge('event', rawEvent(event))));
  const log = await logOf(files);
  endWith(stub, before.node.name, () => {
    for (const { namespace, name } of before.pods) stub.pods.delete(`${namespace}/${name}`);
    show(after.pods);
    return { log };
  });
}

/** The bundle of a probe that runs now, on the recorded node: everything on it settled long ago. */
function takenNow(files: BundleFiles): BundleFiles {
  const meta = new TextDecoder().decode(files.get('meta'));
  const now = meta.replace(/^time=\d+$/m, `time=${Math.floor(Date.now() / 1000)}`);
  return new Map([...files, ['meta', new TextEncoder().encode(now)]]);
}

/** How the audit's pods end on this node; other nodes continue as before. */
export function endWith(stub: StubApiServer, node: string, ending: StubApiServer['ending']): void {
  const others = stub.ending;
  stub.ending = (pod) => (pod.spec?.nodeName === node ? ending(pod) : others(pod));
}

/** A node without pods, otherwise like another. */
export function addNode(stub: StubApiServer, like: Node, changes: Partial<Node>): void {
  stub.nodes.push(rawNode({ ...like, uid: `uid-${changes.name}`, ...changes }));
}

/**
 * Names of the pods that audits of this server created and did not remove: none may remain. Those of the
 * recording do not count.
 */
export function podsOfTheAudit(stub: StubApiServer): string[] {
  return [...stub.pods.entries()]
    .filter(
      ([id, { metadata }]) =>
        id.startsWith('netns-audit/') && metadata.uid?.startsWith(`uid-${metadata.name}-`),
    )
    .map(([id]) => id);
}

/** Audits the server's cluster, and keeps the evidence if a directory is given. */
export async function audit(
  stub: StubApiServer,
  { keepIn, ...changes }: Partial<AuditOptions> & { readonly keepIn?: string } = {},
): Promise<ClusterReport> {
  const cluster: Cluster = await connect(
    { kind: 'kubeconfig-text', text: stub.kubeconfig() },
    { version: '0.0.0' },
  );
  const runId = '20261123T000000Z-0a0b0c0d';
  try {
    return await auditCluster(cluster, {
      runId,
      namespace: 'netns-audit',
      image: 'probe:test',
      pullSecret: null,
      privileged: false,
      deadlineSeconds: 20,
      active: [],
      settleSeconds: { pod: 3, orphan: 3 },
      selection: { names: [], labels: [] },
      concurrency: 4,
      previous: null,
      exceptions: [],
      auditorVersion: '0.0.0',
      signal: new AbortController().signal,
      onProgress: () => {},
      onGathered: async (gathered, record) => {
        if (keepIn !== undefined)
          await keepEvidence(new DirectoryStore(keepIn), { cluster: cluster.name, runId }, gathered, record);
      },
      ...changes,
    });
  } finally {
    await cluster.transport.close();
  }
}

/** The coverage of a node in the report. */
export function coverageOf(report: ClusterReport, node: string) {
  return report.coverage.nodes.find((each) => each.node === node);
}
