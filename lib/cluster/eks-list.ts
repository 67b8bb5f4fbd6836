/** Lists EKS clusters of a region by their tags. */
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';

/** A tag that a cluster must have; any value if none is given. */
export type Tag = { readonly key: string; readonly value: string | null };

/** Names of the clusters with all of the tags. @throws AuditError AWS with the call that failed */
export async function listEksClusters(region: string, tags: readonly Tag[]): Promise<string[]> {
  const { EKSClient, DescribeClusterCommand, paginateListClusters } = await import('@aws-sdk/client-eks');
  const client = new EKSClient({ region });
  let call = 'ListClusters';
  try {
    const names: string[] = [];
    for await (const { clusters = [] } of paginateListClusters({ client }, {})) names.push(...clusters);
    if (tags.length === 0) return names;
    call = 'DescribeCluster';
    const tagged: string[] = [];
    for (const name of names) {
      const { cluster } = await client.send(new DescribeClusterCommand({ name }));
      const has = ({ key, value }: Tag): boolean => {
        const found = cluster?.tags?.[key];
        return found !== undefined && (value === null || found === value);
      };
      if (tags.every(has)) tagged.push(name);
    }
    return tagged;
  } catch (error) {
    throw new AuditError('AWS', `EKS clusters of ${region}: ${call}: ${messageOf(error)}`, {
      cause: error,
      retryable: isTransientOfAws(error),
      remedy: `Check the region, the credentials (aws sts get-caller-identity), and the right eks:${call}.`,
    });
  } finally {
    client.destroy();
  }
}
