/** Parts of construct ids, which must be unique in a scope and contain no token. */
import { createHash } from 'node:crypto';
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** A cluster's name, still unique: constructs turn `/` into `--`, which a name may also contain. */
export function idOf(cluster: string): string {
  return cluster.replaceAll('/', '%');
}

/** The same for the same text, even if that is a token. */
export function hashOf(scope: Construct, text: string): string {
  const resolved = JSON.stringify(Stack.of(scope).resolve(text));
  return createHash('sha256').update(resolved).digest('hex').slice(0, 8);
}
