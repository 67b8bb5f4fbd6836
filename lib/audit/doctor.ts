/** Checks every prerequisite of an audit, and says how to fix each broken one. */

import { type Notifier, testMessage } from '../alert/index.ts';
import {
  type Cluster,
  type ClusterTarget,
  type Connection,
  grantRights,
  identify,
  isAllowed,
  open,
  type Right,
  whoAmI,
  wouldAdmit,
} from '../cluster/index.ts';
import type { Store } from '../history/index.ts';
import { AuditError, type ErrorCode, messageOf } from '../model/errors.ts';
import { newRunId } from '../model/run-id.ts';
import { SETTLE_SECONDS } from '../model/settle.ts';
import { probePod } from '../probe/index.ts';
import { auditCluster } from './audit-cluster.ts';
import { describePulls } from './image-pulls.ts';
import { nodeFor } from './node-to-probe.ts';
import { optionalRightsOf, rightsOf } from './rights.ts';
import { assertThere } from './stores.ts';

export type Prerequisite = {
  readonly name: string;
  readonly result: 'ok' | 'failed' | 'skipped';
  /** What was seen, or why it was not checked. */
  readonly detail: string;
  /** What broke it; its remedy says what to do. */
  readonly error?: AuditError;
};

export type DoctorOptions = {
  readonly version: string;
  readonly namespace: string;
  readonly image: string;
  readonly pullSecret: string | null;
  /** The stack on AWS pulls the image through a cache of its own. */
  readonly isCached?: boolean;
  readonly privileged: boolean;
  /** Where to run a probe; null means the first node that can be probed. */
  readonly node: string | null;
  readonly deadlineSeconds: number;
  readonly store: Store | null;
  /** Whether it must exist, as somebody typed its name. */
  readonly isStoreNamed: boolean;
  readonly notifiers: readonly Notifier[];
  /** Called once, when an unanswered request is retried. */
  readonly onUnanswered: (error: AuditError) => void;
  readonly signal: AbortSignal;
};

/** Prerequisites on the way to the cluster, in order, and the errors of each. */
const WAY: readonly (readonly [string, readonly ErrorCode[]])[] = [
  ['configuration', ['KUBECONFIG_INVALID', 'AWS', 'USAGE']],
  ['name', ['CLUSTER_DNS']],
  ['connection', ['CLUSTER_UNREACHABLE', 'DEADLINE']],
  ['TLS', ['CLUSTER_TLS']],
  ['credentials', ['CLUSTER_UNAUTHENTICATED']],
  ['API', ['CLUSTER_API']],
];
const BEHIND = ['namespace', 'image', 'admission', 'probe'] as const;

/** Continues after a broken prerequisite as far as that makes sense, and skips the rest. */
export async function* examinePrerequisites(
  target: ClusterTarget,
  options: DoctorOptions,
): AsyncIterable<Prerequisite> {
  yield* examineCluster(() => target, options);
  yield* examinePlaces(options);
}

/** Checks where reports and messages go, which is the same for all clusters. */
export async function* examinePlaces(
  options: Pick<DoctorOptions, 'store' | 'isStoreNamed' | 'notifiers'>,
): AsyncIterable<Prerequisite> {
  yield options.store === null
    ? skipped('store', 'none is used')
    : await store(options.store, options.isStoreNamed);
  if (options.notifiers.length === 0) yield skipped('alert', 'neither a topic nor destinations were given');
  for (const notifier of options.notifiers) yield await alert(notifier);
}

/** @param target - returns it, or throws what is broken */
export async function* examineCluster(
  target: () => ClusterTarget | Promise<ClusterTarget>,
  options: DoctorOptions,
): AsyncIterable<Prerequisite> {
  let connection: Connection | null = null;
  try {
    connection = await open(await target(), options);
    const cluster = await identify(connection, options);
    const user = await whoAmI(cluster, options.signal);
    for (const [name] of WAY) yield { name, result: 'ok', detail: detailOf(name, cluster, user) };
    yield await rights(cluster, user, options);
    yield* inCluster(cluster, options);
  } catch (thrown) {
    const error = asError(thrown);
    if (error.code === 'CLUSTER_FORBIDDEN' && connection !== null)
      yield* withoutRights(connection, error, options);
    else yield* wayUntil(error);
  } finally {
    await connection?.transport.close();
  }
}

function* wayUntil(error: AuditError): Iterable<Prerequisite> {
  const broken = WAY.findIndex(([, codes]) => codes.includes(error.code));
  if (broken === -1) throw error;
  for (const [index, [name]] of WAY.entries()) {
    if (index < broken) yield { name, result: 'ok', detail: '' };
    else if (index === broken) yield { name, result: 'failed', detail: error.message, error };
    else yield skipped(name, 'not reached');
  }
  for (const name of ['rights', ...BEHIND]) yield skipped(name, 'the cluster was not reached');
}

/** The API server answers and knows the user, but does not even let them see which cluster it is. */
async function* withoutRights(
  connection: Connection,
  error: AuditError,
  options: DoctorOptions,
): AsyncIterable<Prerequisite> {
  const user = await whoAmI(connection, options.signal);
  for (const [name] of WAY) yield { name, result: 'ok', detail: detailOf(name, connection, user) };
  const seen = await rights(connection, user, options);
  yield seen.result === 'ok' ? { name: 'rights', result: 'failed', detail: error.message, error } : seen;
  for (const name of BEHIND) yield skipped(name, 'it needs the missing rights');
}

function detailOf(name: string, connection: Connection | Cluster, user: string | null): string {
  if (name === 'configuration') return `cluster ${connection.name}`;
  if (name === 'connection') return connection.transport.server;
  if (name === 'credentials') return user === null ? '' : `as ${user}`;
  return name === 'API' && 'version' in connection ? connection.version : '';
}

async function rights(
  connection: Connection,
  user: string | null,
  { namespace, signal }: DoctorOptions,
): Promise<Prerequisite> {
  return await prerequisite('rights', async () => {
    const missing: Right[] = [];
    for (const right of rightsOf(namespace))
      if (!(await isAllowed(connection, right, signal))) missing.push(right);
    if (missing.length === 0) {
      const all = `all ${rightsOf(namespace).length}`;
      const lacks: string[] = [];
      for (const [without, alike] of Map.groupBy(optionalRightsOf(namespace), (each) => each.without)) {
        const lacking: string[] = [];
        for (const { right } of alike)
          if (!(await isAllowed(connection, right, signal))) lacking.push(described(right));
        if (lacking.length > 0) lacks.push(`not to ${lacking.join(', ')}: ${without}`);
      }
      return [all, ...lacks].join('; ');
    }
    throw new AuditError('CLUSTER_FORBIDDEN', `not allowed to ${missing.map(described).join('; ')}`, {
      remedy: grantRights(user, namespace),
    });
  });
}

async function* inCluster(cluster: Cluster, options: DoctorOptions): AsyncIterable<Prerequisite> {
  const { namespace, signal } = options;
  const there = await prerequisite('namespace', async () => {
    await cluster.transport.json({
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}`,
      what: `get namespace ${namespace}`,
      signal,
    });
    return namespace;
  });
  yield there.error?.code === 'CLUSTER_API' ? missingNamespace(namespace, there.error) : there;
  let node: string | null = null;
  let nodes = 0;
  const found = await prerequisite('admission', async () => {
    ({ node, nodes } = await nodeFor(cluster, options));
    return 'the cluster has no node to probe';
  });
  yield nodes === 0
    ? skipped('image', found.result === 'ok' ? found.detail : 'it is not known who pulls it')
    : { name: 'image', result: 'ok', detail: describePulls(options.image, { ...options, nodes }) };
  if (node === null) {
    yield found.result === 'ok' ? skipped('admission', found.detail) : found;
    yield skipped('probe', found.result === 'ok' ? found.detail : 'it would not be admitted');
    return;
  }
  yield* onNode(cluster, node, options);
}

async function* onNode(cluster: Cluster, node: string, options: DoctorOptions): AsyncIterable<Prerequisite> {
  const { namespace, signal } = options;
  const runId = newRunId(new Date(), `doctor ${process.pid} ${Math.random()}`);
  const admitted = await prerequisite('admission', async () => {
    const expires = new Date(Date.now() + options.deadlineSeconds * 1_000);
    const { image, privileged } = options;
    const pod = probePod({ runId, node, namespace, image, privileged, expires });
    return (await wouldAdmit(cluster, pod, signal))
      ? 'Pod Security, policies and quotas accept the probe pod'
      : 'a webhook in the cluster does not answer dry runs: the probe will show it';
  });
  yield admitted;
  yield admitted.result === 'ok'
    ? await prerequisite('probe', () => probe(cluster, runId, node, options))
    : skipped('probe', 'it would not be admitted');
}

function missingNamespace(name: string, cause: AuditError): Prerequisite {
  const error = new AuditError('CLUSTER_API', `there is no namespace ${name}`, {
    cause,
    remedy:
      'Create it: netns-audit manifests | kubectl apply -f - (netns-audit audit creates it if it has the right).',
  });
  return { name: 'namespace', result: 'failed', detail: error.message, error };
}

/** Tests image, kubelet, log and bundle by an audit of one node. */
async function probe(cluster: Cluster, runId: string, node: string, options: DoctorOptions): Promise<string> {
  const { coverage } = await auditCluster(cluster, {
    ...options,
    runId,
    active: [],
    settleSeconds: SETTLE_SECONDS,
    selection: { names: [node], labels: [] },
    concurrency: 1,
    checks: 'all',
    previous: null,
    exceptions: [],
    auditorVersion: options.version,
    onProgress: () => {},
    onGathered: async () => {},
  });
  const [audited] = coverage.nodes;
  if (audited?.result === 'audited') return `${node} was read`;
  throw new AuditError('PROBE_FAILED', `${node}: ${audited?.result}: ${audited?.reason ?? ''}`, {
    remedy: audited?.remedy ?? 'Run it again with another --node.',
  });
}

/** Writes one small object that stays: stores delete nothing. */
async function store(place: Store, isNamed: boolean): Promise<Prerequisite> {
  return await prerequisite('store', async () => {
    if (isNamed) await assertThere(place);
    await place.putOnce('work/doctor.json', Buffer.from('{}\n'));
    if ((await place.get('work/doctor.json')) !== null) return place.location;
    throw new AuditError('STORE', `${place.location} lost what was just written`, {
      remedy: 'Use a store that returns what was written to it.',
    });
  });
}

async function alert(notifier: Notifier): Promise<Prerequisite> {
  return await prerequisite('alert', async () => {
    await notifier.send(testMessage());
    return `a test message went to ${notifier.destination}`;
  });
}

async function prerequisite(name: string, look: () => Promise<string>): Promise<Prerequisite> {
  try {
    return { name, result: 'ok', detail: await look() };
  } catch (thrown) {
    const error = asError(thrown);
    if (error.code === 'ABORTED') throw error;
    return { name, result: 'failed', detail: error.message, error };
  }
}

const skipped = (name: string, detail: string): Prerequisite => ({ name, result: 'skipped', detail });

const described = ({ verb, resource, namespace, name }: Right): string =>
  `${verb} ${resource}${name === undefined ? (namespace === undefined ? '' : ` in ${namespace}`) : ` ${name}`}`;

function asError(thrown: unknown): AuditError {
  if (thrown instanceof AuditError) return thrown;
  return new AuditError('PROBE_FAILED', messageOf(thrown), { cause: thrown, remedy: 'Please report it.' });
}
