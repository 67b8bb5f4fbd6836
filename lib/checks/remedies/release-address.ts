/** Frees one host-local address while holding the plugin's own lock. */

import type { Allocation } from '../../computed/addresses/allocations.ts';
import type { Ipam } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { quote } from '../../model/text.ts';
import { command, repairOnNode } from './steps.ts';

/**
 * Deletes the file only if it still belongs to the same container, or is still empty: the address may have
 * been reassigned.
 */
export function releaseAddress(store: Ipam, allocation: Allocation, node: string): RemedyStep {
  const file = `${store.path}/${allocation.address}`;
  const unchanged =
    allocation.containerId === ''
      ? `[ ! -s ${command(file)} ]`
      : command('grep', '-qF', '--', allocation.containerId, file);
  return repairOnNode(
    node,
    `free ${quote(allocation.address, 50)}, if it is still the same entry.`,
    command('flock', `${store.path}/lock`, 'sh', '-c', `${unchanged} && ${command('rm', '--', file)}`),
  );
}
