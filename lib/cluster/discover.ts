/**
 * Finds the EKS clusters of accounts and regions. A failure affects only its own place, and is reported with
 * its fix.
 */
import type { EKSClient } from '@aws-sdk/client-eks';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { partitionOf } from '../model/aws-names.ts';
import type { ClusterConfig } from '../model/clusters.ts';
import { type Discover, type Found, foundName, type Gap } from '../model/discovery.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { forEachLimited } from '../model/limit.ts';
import { accountsOf } from './organization.ts';

/** Accounts and regions to query at once; EKS limits calls per second for each account and region. */
const AT_ONCE = 10;
const TRIES = 6;
const LONGEST_REASON = 300;

/**
 * @param region - of the caller: its STS issues the roles' credentials, which are valid in all regions
 * @throws never for a refusal by AWS: that is a gap
 */
export async function discoverClusters(discover: Discover, region: string): Promise<Found> {
  const gaps: Gap[] = [];
  const clusters: ClusterConfig[] = [];
  const looked: string[] = [];
  const { accounts, all } = await chosenAccounts(discover, region, gaps);
  const look = async (account: string): Promise<void> => {
    const credentials = await roleIn(account, discover, region, gaps);
    if (credentials === null) return;
    for (const each of discover.regions) {
      const found = await clustersIn(account, each, { discover, credentials, gaps });
      if (found === null) continue;
      looked.push(`${account}/${each}`);
      clusters.push(...found);
    }
  };
  await forEachLimited(accounts, AT_ONCE, look);
  return {
    clusters: clusters.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    gaps: gaps.toSorted((a, b) => (a.place < b.place ? -1 : 1)),
    looked: looked.toSorted(),
    accounts: all ? [...accounts] : null,
  };
}

/** `all` is false if the organization did not list its accounts. */
async function chosenAccounts(
  discover: Discover,
  region: string,
  gaps: Gap[],
): Promise<{ readonly accounts: readonly string[]; readonly all: boolean }> {
  const listed = discover.accounts === 'organization' ? [] : discover.accounts;
  const ids = listed.filter((each) => /^\d{12}$/.test(each));
  const units = listed.filter((each) => !ids.includes(each));
  if (discover.accounts !== 'organization' && units.length === 0) return { accounts: ids, all: true };
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  try {
    const found = await accountsOf(
      discover.accounts === 'organization' ? null : units,
      region,
      fromNodeProviderChain(),
    );
    return { accounts: [...new Set([...ids, ...found])], all: true };
  } catch (error) {
    const remedy = error instanceof AuditError ? error.remedy : 'List the accounts instead.';
    gaps.push({ place: 'organization', reason: reasonOf(error), remedy });
    return { accounts: ids, all: false };
  }
}

/** Null if the role cannot be assumed. */
async function roleIn(
  account: string,
  { role, externalId, regions }: Discover,
  region: string,
  gaps: Gap[],
): Promise<AwsCredentialIdentityProvider | null> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const RoleArn = roleArnOf(account, role, regions[0] ?? region);
  try {
    const held = await fromTemporaryCredentials({
      params: { RoleArn, RoleSessionName: 'netns-auditor', ExternalId: externalId },
      clientConfig: { region, maxAttempts: TRIES },
    })();
    return async () => held;
  } catch (error) {
    gaps.push({
      place: account,
      reason: `the role ${RoleArn} cannot be assumed: ${reasonOf(error)}`,
      remedy:
        `Give account ${account} an instance of the StackSet (deploy/discovered-account.yaml), with the ` +
        `same ExternalId and the roles of the auditor that the stack's outputs name.`,
    });
    return null;
  }
}

/** Null if they cannot be listed. */
async function clustersIn(
  account: string,
  region: string,
  {
    discover,
    credentials,
    gaps,
  }: { discover: Discover; credentials: AwsCredentialIdentityProvider; gaps: Gap[] },
): Promise<ClusterConfig[] | null> {
  const { EKSClient, paginateListClusters } = await import('@aws-sdk/client-eks');
  const client = new EKSClient({ region, credentials, maxAttempts: TRIES });
  const found: ClusterConfig[] = [];
  try {
    for await (const page of paginateListClusters({ client }, {}))
      for (const name of page.clusters ?? [])
        if (await isChosen(client, { account, region, name }, discover.tags, gaps))
          found.push({
            name: foundName(account, region, name),
            eks: {
              name,
              region,
              roleArn: roleArnOf(account, discover.role, region),
              externalId: discover.externalId,
              accessEntry: false,
            },
          });
    return found;
  } catch (error) {
    gaps.push({
      place: `${account}/${region}`,
      reason: `its clusters cannot be listed: ${reasonOf(error)}`,
      remedy:
        `Check that ${region} is enabled in account ${account}, and that no service control policy denies ` +
        'eks:ListClusters there; or take the region out of discover.regions.',
    });
    return null;
  } finally {
    client.destroy();
  }
}

/** A cluster with unreadable tags is audited: better one too many than one that nobody checks. */
async function isChosen(
  client: EKSClient,
  { account, region, name }: Readonly<Record<'account' | 'region' | 'name', string>>,
  tags: Discover['tags'],
  gaps: Gap[],
): Promise<boolean> {
  const wanted = Object.entries(tags);
  if (wanted.length === 0) return true;
  const { DescribeClusterCommand } = await import('@aws-sdk/client-eks');
  try {
    const { cluster } = await client.send(new DescribeClusterCommand({ name }));
    return wanted.every(([key, value]) => cluster?.tags?.[key] === value);
  } catch (error) {
    // Deleted since the listing.
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return false;
    gaps.push({
      place: foundName(account, region, name),
      reason: `its tags cannot be read: ${reasonOf(error)}`,
      remedy: 'Allow the role eks:DescribeCluster on it, as deploy/discovered-account.yaml does.',
    });
    return true;
  }
}

function roleArnOf(account: string, role: string, region: string): string {
  return `arn:${partitionOf(region)}:iam::${account}:role/${role}`;
}

function reasonOf(error: unknown): string {
  return messageOf(error).slice(0, LONGEST_REASON);
}
