/** EKS by name: endpoint and CA from DescribeCluster, and the same token as `aws eks get-token`. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';
import type { Credentials } from './transport.ts';

export type EksTarget = {
  readonly name: string;
  readonly region: string;
  readonly roleArn?: string;
  readonly externalId?: string;
};

/** The CLI gives a token 14 minutes; a fresh one every 10 stays clear of that. */
const TOKEN_MILLISECONDS = 10 * 60_000;

/** @throws AuditError AWS with the call that failed. */
export async function eksCredentials(target: EksTarget): Promise<{ name: string; credentials: Credentials }> {
  const { fromNodeProviderChain, fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const { EKSClient, DescribeClusterCommand } = await import('@aws-sdk/client-eks');
  const provider = remembered(
    target.roleArn === undefined
      ? fromNodeProviderChain()
      : fromTemporaryCredentials({
          params: {
            RoleArn: target.roleArn,
            RoleSessionName: 'netns-auditor',
            ...(target.externalId === undefined ? {} : { ExternalId: target.externalId }),
          },
          // The caller's own region: its account may not have enabled the cluster's. Credentials from the STS of any
          // region are valid in all of them.
          clientConfig: { region: process.env.AWS_REGION ?? target.region },
        }),
  );
  const client = new EKSClient({ region: target.region, credentials: provider });
  try {
    const { cluster } = await client.send(new DescribeClusterCommand({ name: target.name }));
    const ca = cluster?.certificateAuthority?.data;
    if (cluster?.endpoint === undefined || ca === undefined) {
      throw new AuditError(
        'AWS',
        `EKS cluster ${target.name} has no endpoint yet (status ${cluster?.status ?? 'unknown'})`,
        { retryable: true, remedy: 'Wait until it is ACTIVE.' },
      );
    }
    let token: Promise<string> | null = null;
    let made = 0;
    return {
      name: target.name,
      credentials: {
        server: cluster.endpoint,
        tls: { ca: Buffer.from(ca, 'base64') },
        proxy: null,
        async headers() {
          // Cached from the start: requests that start together share one.
          if (token === null || Date.now() - made > TOKEN_MILLISECONDS) {
            made = Date.now();
            token = eksToken(target.name, target.region, provider).catch((error: unknown) => {
              token = null;
              throw new AuditError('AWS', `no token for EKS cluster ${target.name}: ${messageOf(error)}`, {
                cause: error,
                retryable: isTransientOfAws(error),
                remedy: 'Check the credentials: aws sts get-caller-identity',
              });
            });
          }
          return { authorization: `Bearer ${await token}` };
        },
      },
    };
  } catch (error) {
    if (error instanceof AuditError) throw error;
    throw new AuditError('AWS', `EKS cluster ${target.name} in ${target.region}: ${messageOf(error)}`, {
      cause: error,
      retryable: isTransientOfAws(error),
      remedy:
        target.roleArn === undefined
          ? 'Check the credentials (aws sts get-caller-identity), the name and region, and the right eks:DescribeCluster.'
          : `Check that ${target.roleArn} trusts you (external id included) and allows eks:DescribeCluster.`,
    });
  } finally {
    client.destroy();
  }
}

/** Requests new credentials only shortly before expiry: each AssumeRole is a separate call. */
function remembered(provider: AwsCredentialIdentityProvider): AwsCredentialIdentityProvider {
  let held: Promise<AwsCredentialIdentity> | null = null;
  let good = (): boolean => true;
  return async () => {
    if (held === null || !good()) {
      good = () => true;
      held = provider().catch((error: unknown) => {
        held = null;
        throw error;
      });
      const { expiration } = await held;
      good = () => expiration === undefined || expiration.getTime() - Date.now() > TOKEN_MILLISECONDS;
    }
    return await held;
  };
}

/**
 * A presigned GetCallerIdentity of the regional STS with the cluster's name signed in, like `aws eks get-token`.
 *
 * @param now - signing time; only tests set it
 */
export async function eksToken(
  cluster: string,
  region: string,
  credentials: AwsCredentialIdentityProvider,
  now = new Date(),
): Promise<string> {
  const host = `sts.${region}.${dnsSuffix(region)}`;
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
  const signed = await signer.presign(
    new HttpRequest({
      protocol: 'https:',
      hostname: host,
      method: 'GET',
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host, 'x-k8s-aws-id': cluster },
    }),
    { expiresIn: 60, signingDate: now },
  );
  const query = new URLSearchParams(
    Object.entries(signed.query ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return `k8s-aws-v1.${Buffer.from(`https://${host}/?${query.toString().replaceAll('+', '%20')}`).toString('base64url')}`;
}

/** Partitions differ in their domain. */
function dnsSuffix(region: string): string {
  if (region.startsWith('cn-')) return 'amazonaws.com.cn';
  if (region.startsWith('us-iso-')) return 'c2s.ic.gov';
  if (region.startsWith('us-isob-')) return 'sc2s.sgov.gov';
  if (region.startsWith('eusc-')) return 'amazonaws.eu';
  return 'amazonaws.com';
}
