/** A pod that no controller recreates: read in full, and created again under its name. */
import { namespacedName } from '../model/namespaced-name.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll } from './list.ts';

type Named = { readonly namespace: string; readonly name: string };
type Manifest = { readonly metadata: Named };

const podsOf = (namespace: string): string => `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;

/**
 * The pod as the server has it; null if there is none.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function readWholePod(
  cluster: Cluster,
  { namespace, name }: Named,
  options: ListOptions,
): Promise<unknown> {
  const { items } = await listAll(
    cluster,
    `read pod ${namespacedName({ namespace, name })}`,
    podsOf(namespace),
    { fieldSelector: `metadata.name=${name}` },
    (item) => item,
    options,
  );
  return items[0] ?? null;
}

/**
 * @param dryRun - only asks whether it would be created
 * @returns false if there is a pod of its name
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function createAgain(
  cluster: Cluster,
  manifest: Manifest,
  options: ListOptions = {},
  dryRun = false,
): Promise<boolean> {
  const { namespace } = manifest.metadata;
  try {
    await cluster.transport.json({
      method: 'POST',
      path: podsOf(namespace),
      ...(dryRun ? { query: { dryRun: 'All' } } : {}),
      what: `create pod ${namespacedName(manifest.metadata)}`,
      body: manifest,
      answer: 'metadata',
      ...options,
    });
    return true;
  } catch (error) {
    // The answer to the first request may have been lost.
    if (statusOf(error) === 409 && String(error).includes('already exists')) return false;
    throw error;
  }
}
