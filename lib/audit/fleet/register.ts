/** Discovered clusters, audited until they are seen to be gone, even if discovery fails for a night. */
import * as z from 'zod';
import { keys, type OnDamage, parsedJson, type Store, unlessDamaged } from '../../history/index.ts';
import { type ClusterConfig, clusterSchema } from '../../model/clusters.ts';

/** Of `latest/found-clusters.json`. */
export const registerSchema = z.object({ schemaVersion: z.literal(1), clusters: z.array(clusterSchema) });

/**
 * Empty where nothing was found yet, or the register is damaged: it is rewritten with what is found.
 * @throws AuditError STORE if the store does not answer now
 */
export async function readRegister(store: Store, onDamage: OnDamage): Promise<ClusterConfig[]> {
  const read = async (): Promise<ClusterConfig[]> => {
    const stored = await store.get(keys.register());
    return stored === null ? [] : parsedJson(store, keys.register(), stored.body, registerSchema).clusters;
  };
  return (await unlessDamaged(read, onDamage)) ?? [];
}

/**
 * Writes the register. If two runs end at once, the later one finds the same or more, so either may win.
 * @throws AuditError STORE
 */
export async function keepRegister(store: Store, clusters: readonly ClusterConfig[]): Promise<void> {
  const held = await store.get(keys.register());
  const body = Buffer.from(`${JSON.stringify({ schemaVersion: 1, clusters })}\n`);
  await store.replace(keys.register(), body, held?.etag ?? null);
}
