/**
 * The kernel's check that a packet's source would be answered by the link that it came from (rp_filter). Where
 * rules send what pods of other ENIs answer by those, what comes for them by the first ENI fails it.
 */
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { markRule } from '../firewall/aws-marks.ts';
import { sysctlNumber } from '../kernel/sysctls.ts';
import { isOfAnotherEni, PRIORITY, sharedEniPod } from '../routes/aws-routing.ts';
import { uplinkOf } from '../routes/uplinks.ts';

const STRICT = 1;

export type StrictUplink = {
  readonly uplink: string;
  /** Of the uplink itself; the kernel takes the greater of this and that of all links. */
  readonly own: number;
  /** Pods whose packets it drops. */
  readonly pods: readonly PodNetwork[];
};

/**
 * The node's first ENI if it is strict although something comes in there for other ENIs, as the rule for marked
 * packets says: it exists where NodePorts are served, or what leaves the VPC gets the node's address.
 */
export function strictUplink(
  networks: readonly PodNetwork[],
  host: NetworkStack,
  kernel: Pick<Sources['kernel'], 'sysctls'>,
): StrictUplink | null {
  const own = networks.filter((network) => sharedEniPod(network) === null);
  const uplink = uplinkOf(host);
  if (own.length === 0 || uplink === null) return null;
  const hasOthers = host.rules.some(
    ({ priority, table }) =>
      (priority === PRIORITY.fromEni || priority === PRIORITY.fromPod) &&
      table !== null &&
      !['main', 'default'].includes(table),
  );
  if (!hasOthers || markRule(host.rules) === null) return null;
  const [all, one] = ['all', uplink.replaceAll('.', '/')].map((part) =>
    sysctlNumber(kernel, `net.ipv4.conf.${part}.rp_filter`),
  );
  if (all == null || one == null || Math.max(all, one) !== STRICT) return null;
  return { uplink, own: one, pods: own.filter((network) => isOfAnotherEni(network, host)) };
}
