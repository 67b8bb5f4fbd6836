/** Some of the clusters of a configuration. */
import { AuditError } from '../lib/model/errors.ts';

/** @throws AuditError USAGE for a name that the configuration does not have */
export function chosenClusters<T extends { readonly name: string }>(
  clusters: readonly T[],
  { cluster: names, config }: { readonly cluster?: readonly string[]; readonly config: string },
): T[] {
  const known = clusters.map(({ name }) => name);
  const wrong = names?.filter((name) => !known.includes(name)) ?? [];
  const remedy = `It has: ${known.join(', ')}`;
  if (names?.length === 0) throw new AuditError('USAGE', '--cluster names no cluster', { remedy });
  if (wrong.length > 0)
    throw new AuditError('USAGE', `${config} has no cluster ${wrong.join(', ')}`, { remedy });
  return clusters.filter(({ name }) => names?.includes(name) ?? true);
}
