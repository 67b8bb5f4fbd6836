/** Shared by functions that connect to clusters. */
import type { Connections } from '../lib/audit/fleet/connections.ts';
import { readSecret } from '../lib/cluster/secret.ts';
import { logDamage } from './handler.ts';

/** How a function reaches clusters: secrets from AWS, store damage as a warning in its log. */
export function connections(version: string): Connections {
  return { version, readSecret, onDamage: logDamage };
}
