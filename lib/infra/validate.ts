/** The rules of a file, too: here anything may be a token except names, which are part of keys and ids. */
import { Annotations, Stack, Token } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import * as z from 'zod';
import { explainMistakes, pathText } from '../config/explain.ts';
import { partsOfArn } from '../model/arn.ts';
import { partitionOf } from '../model/aws-names.ts';
import { type ClusterConfig, clustersSchema } from '../model/clusters.ts';
import { type Config, subscriptionSchema, whyBatchIsTooLong } from '../model/config.ts';
import { AuditError } from '../model/errors.ts';
import { mistakesOfNetworks, type NetworkName, unusedNetworks } from '../model/vpc-networks.ts';
import { hashOf } from './ids.ts';

/** @throws AuditError CONFIG_INVALID that names the property, the place in it, and the mistake */
export function validate(
  scope: Construct,
  props: Pick<Config, 'clusters' | 'discover' | 'probe' | 'concurrency' | 'subscriptions'> & {
    readonly networks: readonly NetworkName[];
  },
): void {
  const { clusters } = props;
  for (const { name } of clusters)
    if (Token.isUnresolved(name))
      throw invalidProp(
        'the name of a cluster cannot be a token',
        'Write the name out: keys of the store begin with it.',
      );
  for (const cluster of clusters)
    if ('kubeconfig' in cluster)
      throw invalidProp(
        `cluster ${cluster.name} is reached by a kubeconfig of your own, which functions on AWS do not ` +
          'have: give its kubeconfigSecret instead, or eks',
        'Give the cluster an eks or a kubeconfigSecret.',
      );
  if (clusters.length === 0 && props.discover === undefined)
    throw invalidProp('there is no cluster to audit', 'List clusters, or set discover.');
  validProps(
    clustersSchema,
    clusters.map((cluster) => withoutTokens(scope, cluster)),
    'clusters',
  );
  validProps(
    z.array(subscriptionSchema),
    props.subscriptions.filter(({ endpoint }) => !Token.isUnresolved(endpoint)),
    'subscriptions',
  );
  const [mistake] = mistakesOfNetworks(props);
  if (mistake !== undefined) throw invalidProp(`${pathText(mistake.path)}: ${mistake.message}`, CORRECT);
  warnOfUnusedNetworks(scope, props);
  const tooLong = whyBatchIsTooLong(props);
  if (tooLong !== null) throw invalidProp(`concurrency: ${tooLong}`, CORRECT);
  refuseOtherPartitions(scope, clusters);
  warnOfUnknownRegions(scope, props);
  warnOfMissingExternalIds(scope, clusters);
}

const CORRECT =
  'Correct the property. In the package netns-auditor, docs/api.md lists all, and schema/config.v1.json has their limits.';

/** @param message - names the property and the mistake */
export function invalidProp(message: string, remedy: string): AuditError {
  return new AuditError('CONFIG_INVALID', `NetnsAuditor: ${message}`, { remedy });
}

/**
 * Parsed props, with defaults.
 *
 * @param property - the one that they are the value of
 * @throws AuditError CONFIG_INVALID that names each place, the cluster there, and the mistake
 */
export function validProps<T>(schema: z.ZodType<T>, props: unknown, property?: string): T {
  const { data, error } = schema.safeParse(props);
  if (error === undefined) return data;
  const mistakes = explainMistakes(error.issues, props, schema).map(({ path, message }) => {
    const place = pathText(property === undefined ? path : [property, ...path]);
    return [place, place === '' ? '' : ': ', nameAt(props, path), message].join('');
  });
  throw invalidProp(mistakes.join('\n'), CORRECT);
}

/** The name of the entry of a list in which a place is: nobody counts the entries of a long list. */
function nameAt(props: unknown, [first, ...rest]: readonly PropertyKey[]): string {
  if (typeof props !== 'object' || props === null || first === undefined) return '';
  const inside: unknown = Reflect.get(props, first);
  if (typeof first !== 'number') return nameAt(inside, rest);
  const name = typeof inside === 'object' && inside !== null && 'name' in inside ? inside.name : null;
  return typeof name === 'string' ? `(${name}) ` : '';
}

/** What the code relies on before the rest is validated: programs without types pass anything. */
export const clusterShape = z.array(z.looseObject({ name: z.string(), eks: z.looseObject({}).optional() }));

/** @throws AuditError CONFIG_INVALID: an older Node.js fails on the way, with an error that does not say why */
export function refuseOldNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return;
  throw invalidProp(
    `it needs Node.js 22.19 or newer, and this is ${version}`,
    'npm install --save-dev node@24 is enough: npx cdk runs the app with it.',
  );
}

/** Replaces each token by some valid value, the same for the same token. */
function withoutTokens(scope: Construct, cluster: ClusterConfig): unknown {
  const standIn = (text: string | undefined, make: (digest: string) => string): string | undefined =>
    text !== undefined && Token.isUnresolved(text) ? make(hashOf(scope, text)) : text;
  if ('kubeconfigSecret' in cluster)
    return {
      ...cluster,
      kubeconfigSecret: standIn(
        cluster.kubeconfigSecret,
        (digest) =>
          `arn:${partitionOfStack(scope) ?? 'aws'}:secretsmanager:eu-west-1:000000000000:secret:${digest}`,
      ),
    };
  if (!('eks' in cluster)) return cluster;
  const { name, region, roleArn, externalId } = cluster.eks;
  const known = standIn(region, () => 'us-east-1') ?? region;
  return {
    ...cluster,
    eks: {
      ...cluster.eks,
      // Two region tokens may be two different regions.
      name: standIn(name, (digest) => digest) + (known === region ? '' : hashOf(scope, region)),
      region: known,
      ...(roleArn === undefined
        ? {}
        : {
            roleArn: standIn(
              roleArn,
              (digest) => `arn:${partitionOf(known)}:iam::000000000000:role/${digest}`,
            ),
          }),
      ...(externalId === undefined ? {} : { externalId: standIn(externalId, (digest) => digest) }),
    },
  };
}

function partitionOfStack(scope: Construct): string | null {
  const { region } = Stack.of(scope);
  return Token.isUnresolved(region) ? null : partitionOf(region);
}

/** Roles of one partition reach nothing in another: else first a deploy, then a run would find that out. */
function refuseOtherPartitions(scope: Construct, clusters: readonly ClusterConfig[]): void {
  const own = partitionOfStack(scope);
  if (own === null) return;
  for (const cluster of clusters) {
    if ('kubeconfig' in cluster) continue;
    const of = 'eks' in cluster ? cluster.eks.region : partsOfArn(cluster.kubeconfigSecret).partition;
    if (Token.isUnresolved(of)) continue;
    const partition = 'eks' in cluster ? partitionOf(of) : of;
    if (partition !== own)
      throw invalidProp(
        `clusters: ${cluster.name} is of the partition ${partition}, and the stack's region ` +
          `${Stack.of(scope).region} is of ${own}: deploy it to a region of ${partition}.`,
        `Deploy the stack to a region of ${partition}.`,
      );
  }
}

/** A warning only, as there are new regions each year. */
function warnOfUnknownRegions(
  scope: Construct,
  { clusters, discover }: Pick<Config, 'clusters' | 'discover'>,
): void {
  const known = new Set(RegionInfo.regions.map(({ name }) => name));
  const warn = (region: string, what: string): void => {
    if (Token.isUnresolved(region) || known.has(region)) return;
    Annotations.of(scope).addWarningV2(
      `netns-auditor:unknownRegion-${region}`,
      `The CDK knows no region ${region}, ${what}. Acknowledge this warning where it is a new one.`,
    );
  };
  for (const cluster of clusters)
    if ('eks' in cluster) warn(cluster.eks.region, `which ${cluster.name} is said to be in`);
  for (const region of discover?.regions ?? []) warn(region, 'in which clusters are to be discovered');
}

/** A warning only, as a role of one's own may ask for none. */
function warnOfMissingExternalIds(scope: Construct, clusters: readonly ClusterConfig[]): void {
  for (const cluster of clusters)
    if ('eks' in cluster && cluster.eks.roleArn !== undefined && cluster.eks.externalId === undefined)
      Annotations.of(scope).addWarningV2(
        `netns-auditor:noExternalId-${cluster.name}`,
        `${cluster.name} has a roleArn and no externalId, which a role of deploy/cross-account-role.yaml asks for. ` +
          'Write the one you gave it; where the role is your own and asks for none, acknowledge this warning.',
      );
}

/** A warning only: a network may be there before its first cluster. */
function warnOfUnusedNetworks(
  scope: Construct,
  { networks, clusters }: { readonly networks: readonly NetworkName[] } & Pick<Config, 'clusters'>,
): void {
  for (const name of unusedNetworks(networks, clusters))
    Annotations.of(scope).addWarningV2(
      `netns-auditor:unusedNetwork-${name}`,
      `No cluster is in the network ${name}: write network: ${name} in an entry of clusters, or for ` +
        'discovered clusters a pattern in discovered of that network.',
    );
}

/** Of an object of CDK, which is taken as it is: programs without types pass its id. */
export function objectSchema(message: string): z.ZodType {
  return z.custom((value) => typeof value === 'object' && value !== null, message);
}

export const keySchema = objectSchema(
  "It is a key: Key.fromKeyArn(this, 'Key', ARN) of aws-cdk-lib/aws-kms, for example.",
);

/** Of another region, it is refused by each of the resources, at deployment. */
export function refuseUnusableKey(scope: Construct, key: IKey): void {
  const { region } = Stack.of(scope);
  const own = key.env.region;
  if (Token.isUnresolved(region) || Token.isUnresolved(own) || own === region) return;
  throw invalidProp(
    `encryptionKey is in ${own}, and the stack in ${region}: a key encrypts in its own region`,
    `Give a key of ${region}.`,
  );
}
