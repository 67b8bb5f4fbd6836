/**
 * Lists objects in pages, except the pods of one node, and reduces each at once: memory does not grow with
 * unused fields.
 */
import * as z from 'zod';
import { AuditError, messageOf } from '../model/errors.ts';
import type { DnsService, Event, Node, Pod } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { reduceNode, reducePod } from './reduce.ts';
import { reduceEvent } from './reduce-event.ts';
import { reduceDnsService } from './reduce-service.ts';

const PAGE = 500;

type Query = Readonly<Record<string, string | number | undefined>>;

export type ListOptions = { readonly signal?: AbortSignal; readonly deadline?: number };

const pageSchema = z.object({
  metadata: z.object({ continue: z.string().optional(), resourceVersion: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
});

/**
 * All items of a collection. Restarts a list that expired between pages (410).
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listAll<T>(
  cluster: Cluster,
  what: string,
  path: string,
  query: Query,
  reduce: (item: unknown) => T,
  options: ListOptions = {},
): Promise<{ items: T[]; resourceVersion: string }> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await pages(cluster, what, path, query, reduce, options);
    } catch (error) {
      if (statusOf(error) !== 410 || restarts >= 3) throw error;
    }
  }
}

async function pages<T>(
  cluster: Cluster,
  what: string,
  path: string,
  query: Query,
  reduce: (item: unknown) => T,
  options: ListOptions,
): Promise<{ items: T[]; resourceVersion: string }> {
  const items: T[] = [];
  for (let token: string | undefined; ; ) {
    const page = pageSchema.safeParse(
      await cluster.transport.json({
        path,
        what,
        query: { limit: PAGE, ...query, continue: token },
        ...options,
      }),
    );
    if (!page.success)
      throw new AuditError('CLUSTER_API', `${what}: the answer is not a list`, {
        cause: page.error,
        remedy: 'Check the server in the kubeconfig.',
      });
    for (const item of page.data.items ?? []) items.push(reduced(what, item, reduce));
    token = page.data.metadata.continue || undefined;
    if (token === undefined) return { items, resourceVersion: page.data.metadata.resourceVersion ?? '' };
  }
}

/** Names an object that violates the API's schema, so that it does not look like our bug. */
function reduced<T>(what: string, item: unknown, reduce: (item: unknown) => T): T {
  try {
    return reduce(item);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const named = z.object({ metadata: z.object({ name: z.string() }) }).safeParse(item);
    const [issue] = error.issues;
    throw new AuditError(
      'CLUSTER_API',
      `${what}: ${named.success ? named.data.metadata.name : 'an object without a name'} is not as ` +
        `expected: ${issue?.path.join('.')}: ${issue?.message}`,
      {
        cause: error,
        remedy: 'Look at the object with kubectl get -o yaml; if it is valid, please report it.',
      },
    );
  }
}

/** All nodes, reduced to the audited fields. @throws AuditError CLUSTER_* */
export async function listNodes(cluster: Cluster, options?: ListOptions): Promise<Node[]> {
  return (await listAll(cluster, 'list nodes', '/api/v1/nodes', {}, reduceNode, options)).items;
}

/**
 * Null if there is none of that name. Listed, as the role has no right to get one.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listNode(cluster: Cluster, name: string, options?: ListOptions): Promise<Node | null> {
  const query = { fieldSelector: `metadata.name=${name}` };
  const { items } = await listAll(cluster, `list node ${name}`, '/api/v1/nodes', query, reduceNode, options);
  return items.find((node) => node.name === name) ?? null;
}

/**
 * Whether the API no longer has a node, or has another one under its name.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function isNodeGone(
  cluster: Cluster,
  { name, uid }: Pick<Node, 'name' | 'uid'>,
  options?: ListOptions,
): Promise<boolean> {
  return (await listNode(cluster, name, options))?.uid !== uid;
}

/**
 * Pods of one node at revision `since` of some pod or later, in one page: so every API server answers from
 * its cache, by an index over nodes. If asked for the very latest (before 1.31, or if etcd reports no
 * progress) or in pages (older ones as well) it reads all pods of the cluster from etcd, again for each node
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list).
 *
 * @param options.since - `0` is any cached state
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listPodsOnNode(
  cluster: Cluster,
  node: string,
  { since, ...options }: ListOptions & { readonly since: string },
): Promise<Pod[]> {
  const query = { fieldSelector: `spec.nodeName=${node}`, ...inOnePage(since) };
  return (await listAll(cluster, 'list pods', '/api/v1/pods', query, reducePod, options)).items;
}

/** Asks for a whole list from the API server's cache, at this revision or later. */
export function inOnePage(since: string): Query {
  // This removes the page limit of the other lists.
  return { resourceVersion: since, resourceVersionMatch: 'NotOlderThan', limit: undefined };
}

/**
 * Pods of a namespace, or the one of that name. Listed, not got: the auditor may only list pods that are not its own.
 * @throws AuditError USAGE if there is none
 */
export async function listPodsInNamespace(
  cluster: Cluster,
  { namespace, name }: { readonly namespace: string; readonly name: string | null },
  options: ListOptions = {},
): Promise<Pod[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const query = name === null ? {} : { fieldSelector: `metadata.name=${name}` };
  const { items } = await listAll(cluster, `list pods in ${namespace}`, path, query, reducePod, options);
  if (items.length === 0)
    throw new AuditError(
      'USAGE',
      name === null
        ? `no pods in the namespace ${namespace}`
        : `no such pod: ${namespacedName({ namespace, name })}`,
      { remedy: `List them: kubectl get pods ${name === null ? '-A' : `-n ${namespace}`}` },
    );
  return items;
}

/**
 * The Services that answer DNS queries, or why they are unknown. The right is optional: without it, what
 * depends on them is unknown.
 * @throws AuditError ABORTED
 */
export async function listDnsServices(
  cluster: Cluster,
  options?: ListOptions,
): Promise<{ readonly services: DnsService[] | null; readonly unread: string | null }> {
  try {
    const { items } = await listAll(
      cluster,
      'list services',
      '/api/v1/services',
      {},
      reduceDnsService,
      options,
    );
    return { services: items.filter((service) => service !== null), unread: null };
  } catch (error) {
    if (error instanceof AuditError && error.code === 'ABORTED') throw error;
    return { services: null, unread: messageOf(error) };
  }
}

/** Event reasons about sandboxes and the network; others are not read. */
const EVENT_REASONS = [
  'FailedCreatePodSandBox',
  'FailedKillPod',
  'FailedSync',
  'SandboxChanged',
  'NetworkNotReady',
  'DNSConfigForming',
  'UnregisterNetDevice',
];

/**
 * Events of about the last hour (what the API keeps) about pods and nodes, in all namespaces.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listEvents(cluster: Cluster, options?: ListOptions): Promise<Event[]> {
  return await eventsAt(
    cluster,
    'list events',
    '/api/v1/events',
    {},
    ({ reason }) => EVENT_REASONS.includes(reason),
    options,
  );
}

/**
 * Kubelet events about pods being removed, which the API may no longer have. No selector can limit them to one node.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listKillings(cluster: Cluster, options?: ListOptions): Promise<Event[]> {
  const what = 'list events of pods taken down';
  const query = { fieldSelector: 'involvedObject.kind=Pod' };
  const isKilling = ({ reason }: Event): boolean => reason === 'Killing' || reason === 'FailedKillPod';
  return await eventsAt(cluster, what, '/api/v1/events', query, isKilling, options);
}

/**
 * Events about one pod that the API still has, whether or not the pod exists.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listPodEvents(
  cluster: Cluster,
  namespace: string,
  name: string,
  options?: ListOptions,
): Promise<Event[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
  const query = { fieldSelector: `involvedObject.kind=Pod,involvedObject.name=${name}` };
  return await eventsAt(
    cluster,
    `list events of pod ${namespacedName({ namespace, name })}`,
    path,
    query,
    () => true,
    options,
  );
}

async function eventsAt(
  cluster: Cluster,
  what: string,
  path: string,
  query: Query,
  isWanted: (event: Event) => boolean,
  options: ListOptions | undefined,
): Promise<Event[]> {
  const { items } = await listAll(cluster, what, path, query, reduceEvent, options);
  return items.filter((event) => event !== null).filter(isWanted);
}

/** A list that may be missing by design, or forbidden. @throws AuditError ABORTED */
export async function listIfAllowed<T>(
  cluster: Cluster,
  what: string,
  path: string,
  reduce: (item: unknown) => T,
  options: ListOptions,
): Promise<
  | { status: 'present'; value: T[] }
  | { status: 'absent'; reason: string }
  | { status: 'failed'; reason: string }
> {
  const kind = path.replace(/^.*\//, '');
  try {
    const { items } = await listAll(cluster, what, path, {}, reduce, options);
    // Agents may be configured to keep none there, and Calico to use a datastore of its own.
    if (items.length === 0) return { status: 'absent', reason: `the API has no ${kind}` };
    return { status: 'present', value: items };
  } catch (error) {
    if (error instanceof AuditError && error.code === 'ABORTED') throw error;
    return statusOf(error) === 404
      ? { status: 'absent', reason: `the API has no ${kind}` }
      : { status: 'failed', reason: messageOf(error) };
  }
}
