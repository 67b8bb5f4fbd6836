/** Calico's own records of addresses, read whole, and written only as they were read (by their resource version). */
import * as z from 'zod';
import {
  type AddressHolder,
  addressHolderSchema,
  type CalicoBlockObject,
  type CalicoHandleObject,
  calicoBlockObjectSchema,
  calicoHandleObjectSchema,
} from '../model/calico-ipam.ts';
import { CALICO_ANNOTATION, CALICO_BLOCKS, CALICO_CONTROLLERS, CALICO_HANDLES } from '../model/cni-names.ts';
import { AuditError } from '../model/errors.ts';
import { exactJson, parseExact } from '../model/exact-json.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll } from './list.ts';

const pathOf = ({ group, version, resource }: typeof CALICO_BLOCKS | typeof CALICO_HANDLES, name: string) =>
  `/apis/${group}/${version}/${resource}/${encodeURIComponent(name)}`;

/** Null if there is none. @throws AuditError CLUSTER_*, ABORTED */
export async function readCalicoBlock(
  cluster: Cluster,
  name: string,
  options: ListOptions = {},
): Promise<CalicoBlockObject | null> {
  const what = `get ipamblock ${name}`;
  return await read(cluster, what, pathOf(CALICO_BLOCKS, name), calicoBlockObjectSchema, options);
}

/** Null if there is none. @param handle - its id @throws AuditError CLUSTER_*, ABORTED */
export async function readCalicoHandle(
  cluster: Cluster,
  handle: string,
  options: ListOptions = {},
): Promise<CalicoHandleObject | null> {
  // Names of objects have no capital letters (libcalico-go/lib/backend/k8s/resources/ipam_handle.go).
  const name = handle.toLowerCase();
  const found = await read(
    cluster,
    `get ipamhandle ${name}`,
    pathOf(CALICO_HANDLES, name),
    calicoHandleObjectSchema,
    options,
  );
  return found?.spec.handleID === handle ? found : null;
}

async function read<T>(
  cluster: Cluster,
  what: string,
  path: string,
  schema: z.ZodType<T>,
  options: ListOptions,
): Promise<T | null> {
  try {
    return schema.parse(parseExact(await cluster.transport.text({ path, what, ...options })));
  } catch (error) {
    if (statusOf(error) === 404) return null;
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new AuditError('CLUSTER_API', `${what}: it is not as expected`, {
      cause: error,
      remedy: 'Look at it with kubectl get -o yaml; if it is valid, please report it.',
    });
  }
}

/** @returns false if somebody else has changed it since it was read @throws AuditError CLUSTER_*, ABORTED */
export async function writeCalicoBlock(
  cluster: Cluster,
  block: CalicoBlockObject,
  options: ListOptions = {},
): Promise<boolean> {
  return await write(cluster, 'ipamblock', pathOf(CALICO_BLOCKS, block.metadata.name), block, options);
}

/** The same. */
export async function writeCalicoHandle(
  cluster: Cluster,
  handle: CalicoHandleObject,
  options: ListOptions = {},
): Promise<boolean> {
  return await write(cluster, 'ipamhandle', pathOf(CALICO_HANDLES, handle.metadata.name), handle, options);
}

async function write(
  cluster: Cluster,
  kind: string,
  path: string,
  object: CalicoBlockObject | CalicoHandleObject,
  options: ListOptions,
): Promise<boolean> {
  const what = `update ${kind} ${object.metadata.name}`;
  return await isUnchanged(async () => {
    await cluster.transport.json({ method: 'PUT', path, what, body: exactJson(object), ...options });
  });
}

/** The same; it may be gone already. */
export async function deleteCalicoHandle(
  cluster: Cluster,
  { metadata: { name, uid, resourceVersion } }: CalicoHandleObject,
  options: ListOptions = {},
): Promise<boolean> {
  return await isUnchanged(async () => {
    await cluster.transport.json({
      method: 'DELETE',
      path: pathOf(CALICO_HANDLES, name),
      what: `delete ipamhandle ${name}`,
      body: { preconditions: { uid, resourceVersion } },
      ...options,
    });
  });
}

/** Whoever reads it again sees what became of it, also if the answer to the first request was lost. */
async function isUnchanged(request: () => Promise<void>): Promise<boolean> {
  try {
    await request();
    return true;
  } catch (error) {
    if ([404, 409].includes(statusOf(error) ?? 0)) return false;
    throw error;
  }
}

const rawHolderSchema = z.object({
  metadata: z.object({
    namespace: z.string(),
    name: z.string(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.object({ hostNetwork: z.boolean().optional() }).default({}),
  status: z
    .object({
      podIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).nullish(),
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.string().nullish() }))
        .nullish(),
    })
    .default({}),
});

/**
 * All pods, by the addresses that they have, or that Calico has written down for them. The server finds pods only by
 * their first address.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function listAddressHolders(
  cluster: Cluster,
  options: ListOptions = {},
): Promise<AddressHolder[]> {
  return (await listAll(cluster, 'list pods', '/api/v1/pods', {}, reduceHolder, options)).items;
}

function reduceHolder(item: unknown): AddressHolder {
  const { metadata, spec, status } = rawHolderSchema.parse(item);
  const { labels = {}, annotations = {}, namespace, name } = metadata;
  const ready = status.conditions?.find(({ type, status: is }) => type === 'Ready' && is === 'True');
  // Floating addresses are a list in JSON.
  const noted = ['podIP', 'podIPs', 'floatingIPs'].flatMap((key) =>
    (annotations[`${CALICO_ANNOTATION}${key}`] ?? '').replaceAll(/[[\]"\s]/g, '').split(','),
  );
  const [label = '', value] = CALICO_CONTROLLERS.split('=');
  return addressHolderSchema.parse({
    namespace,
    name,
    hostNetwork: spec.hostNetwork ?? false,
    addresses: [status.podIP ?? '', ...(status.podIPs ?? []).map(({ ip }) => ip), ...noted]
      .map((address) => address.replace(/\/\d+$/, ''))
      .filter((address) => address !== ''),
    containerId: annotations[`${CALICO_ANNOTATION}containerID`] || null,
    isController: labels[label] === value,
    readySince: metadata.deletionTimestamp === undefined ? (ready?.lastTransitionTime ?? null) : null,
  });
}
