/** Parts of construct ids, which no two constructs of a scope may share and no token may stand in. */
import { createHash } from 'node:crypto';
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** A cluster's name, another one for each: constructs make `--` of `/`, which may stand in a name as well. */
export function idOf(cluster: string): string {
  return cluster.replaceAll('/', '%');
}

/** The same for the same text, also where that is a token. */
export function digestOf(scope: Construct, text: string): string {
  const resolved = JSON.stringify(Stack.of(scope).resolve(text));
  return createHash('sha256').update(resolved).digest('hex').slice(0, 8);
}
