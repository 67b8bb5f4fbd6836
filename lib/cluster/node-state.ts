/** Nodes as a reboot sees them, and keeping pods off them. */
import * as z from 'zod';
import { CORDON_ANNOTATION } from '../model/own-pods.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll } from './list.ts';

const stateSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string().default(''),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    managedFields: z.array(z.object({ fieldsV1: z.unknown() })).catch([]),
  }),
  spec: z.object({ unschedulable: z.boolean().optional(), providerID: z.string().default('') }).prefault({}),
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    nodeInfo: z.object({ bootID: z.string().default('') }),
  }),
});

export type NodeState = {
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  /** Empty if its kubelet does not say it. */
  readonly bootId: string;
  readonly isReady: boolean;
  readonly isCordoned: boolean;
  /** The run of repairs that cordoned it; null if none did, or it is not cordoned. */
  readonly cordonedBy: string | null;
  readonly isControlPlane: boolean;
  /** Which machine it is, as its kubelet says; empty if it does not. */
  readonly providerId: string;
  /** Of the cloud; empty if no label has it. */
  readonly region: string;
  readonly isOfKarpenter: boolean;
};

const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** All nodes as they are now, or the one of a name. @throws AuditError CLUSTER_*, ABORTED */
export async function listNodeStates(
  cluster: Cluster,
  name: string | null,
  options: ListOptions = {},
): Promise<NodeState[]> {
  const query = name === null ? {} : { fieldSelector: `metadata.name=${name}` };
  const reduce = (item: unknown): NodeState => reduced(stateSchema.parse(item));
  return (await listAll(cluster, 'list nodes', '/api/v1/nodes', query, reduce, options)).items.filter(
    (each) => name === null || each.name === name,
  );
}

function reduced({ metadata, spec, status }: z.infer<typeof stateSchema>): NodeState {
  const isCordoned = spec.unschedulable === true;
  return {
    name: metadata.name,
    uid: metadata.uid,
    version: metadata.resourceVersion,
    bootId: status.nodeInfo.bootID,
    isReady: status.conditions.some((each) => each.type === 'Ready' && each.status === 'True'),
    isCordoned,
    cordonedBy:
      isCordoned && !isOfAnother(metadata.managedFields)
        ? (metadata.annotations[CORDON_ANNOTATION] ?? null)
        : null,
    isControlPlane: CONTROL_PLANE.some((label) => label in metadata.labels),
    providerId: spec.providerID,
    region: metadata.labels['topology.kubernetes.io/region'] ?? '',
    isOfKarpenter: 'karpenter.sh/nodepool' in metadata.labels,
  };
}

const fieldsSchema = z.object({
  'f:metadata': z.object({ 'f:annotations': z.record(z.string(), z.unknown()).optional() }).optional(),
  'f:spec': z.record(z.string(), z.unknown()),
});

/**
 * Whether somebody else has cordoned it: plain `kubectl uncordon` leaves the annotation of a run, and the next cordon is
 * another's. The API server notes who has set which fields; a run sets both at once.
 */
function isOfAnother(managed: readonly { readonly fieldsV1?: unknown }[]): boolean {
  const owners = managed.flatMap(({ fieldsV1 }) => {
    const { data } = fieldsSchema.safeParse(fieldsV1);
    return data !== undefined && 'f:unschedulable' in data['f:spec'] ? [data] : [];
  });
  const isRun = (each: (typeof owners)[number]): boolean =>
    `f:${CORDON_ANNOTATION}` in (each['f:metadata']?.['f:annotations'] ?? {});
  return owners.length > 0 && !owners.some(isRun);
}

/** Somebody else writes the node at the same time, its kubelet above all. */
const TRIES = 5;

/**
 * Keeps new pods off a node, in the name of a run.
 * @returns false if it is another node by now, or is cordoned already
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function cordonNode(
  cluster: Cluster,
  node: Pick<NodeState, 'name' | 'uid'>,
  runId: string,
  options: ListOptions = {},
): Promise<boolean> {
  return await changed(cluster, { node, from: (now) => !now.isCordoned, runId, cordon: true }, options);
}

/**
 * Lets pods on a node again.
 * @returns false if it is another node by now, or this run does not hold it cordoned
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function uncordonNode(
  cluster: Cluster,
  node: Pick<NodeState, 'name' | 'uid'>,
  runId: string,
  options: ListOptions = {},
): Promise<boolean> {
  const from = (now: NodeState): boolean => now.cordonedBy === runId;
  return await changed(cluster, { node, from, runId, cordon: false }, options);
}

type Change = {
  readonly node: Pick<NodeState, 'name' | 'uid'>;
  /** What it must be right before. */
  readonly from: (now: NodeState) => boolean;
  readonly runId: string;
  readonly cordon: boolean;
};

async function changed(
  cluster: Cluster,
  { node, from, runId, cordon }: Change,
  options: ListOptions,
): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const [now] = await listNodeStates(cluster, node.name, options);
    if (now?.uid !== node.uid) return false;
    // Our own change, whose answer was lost.
    if (tries > 1 && (cordon ? now.cordonedBy === runId : !now.isCordoned)) return true;
    if (!from(now)) return false;
    try {
      await cluster.transport.json({
        method: 'PATCH',
        path: `/api/v1/nodes/${encodeURIComponent(node.name)}`,
        what: `${cordon ? 'cordon' : 'uncordon'} node ${node.name}`,
        body: {
          metadata: {
            resourceVersion: now.version,
            annotations: { [CORDON_ANNOTATION]: cordon ? runId : null },
          },
          spec: { unschedulable: cordon ? true : null },
        },
        ...options,
      });
      return true;
    } catch (error) {
      if (statusOf(error) !== 409 || tries >= TRIES) throw error;
    }
  }
}
