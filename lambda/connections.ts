/** What functions that speak to clusters share. */
import type { Connections } from '../lib/audit/fleet/connections.ts';
import { readSecret } from '../lib/cluster/secret.ts';
import { warnOfDamage } from './handler.ts';

export function connections(version: string): Connections {
  return { version, readSecret, onDamage: warnOfDamage };
}
