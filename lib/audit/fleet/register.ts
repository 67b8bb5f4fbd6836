/** Clusters that were found and are audited until they are seen to be gone, whoever cannot be asked for a night. */
import * as z from 'zod';
import { keys, type OnDamage, parsedJson, type Store, unlessDamaged } from '../../history/index.ts';
import { type ClusterConfig, clusterSchema } from '../../model/clusters.ts';

/** Of `latest/found-clusters.json`. */
export const registerSchema = z.object({ schemaVersion: z.literal(1), clusters: z.array(clusterSchema) });

/** None where nothing was found yet. A damaged register is one too: it is written anew with what is found. */
export async function readRegister(store: Store, onDamage: OnDamage): Promise<ClusterConfig[]> {
  const read = async (): Promise<ClusterConfig[]> => {
    const stored = await store.get(keys.register());
    return stored === null ? [] : parsedJson(store, keys.register(), stored.body, registerSchema).clusters;
  };
  return (await unlessDamaged(read, onDamage)) ?? [];
}

/** Of two runs that end at once the one that was begun later finds the same or more: either may be the last. */
export async function keepRegister(store: Store, clusters: readonly ClusterConfig[]): Promise<void> {
  const held = await store.get(keys.register());
  const body = Buffer.from(`${JSON.stringify({ schemaVersion: 1, clusters })}\n`);
  await store.replace(keys.register(), body, held?.etag ?? null);
}
