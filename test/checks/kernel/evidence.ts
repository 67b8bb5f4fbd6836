/** Kernel state and log of a healthy node. */
import type { KernelMessage, Sources } from '../../../lib/model/evidence.ts';
import { NOW } from '../evidence.ts';

export function aKernel(changes: Partial<Sources['kernel']> = {}): Sources['kernel'] {
  return {
    sysctls: {
      'net.ipv4.neigh.default.gc_thresh3': '1024',
      'net.ipv6.neigh.default.gc_thresh3': '1024',
      'net.netfilter.nf_conntrack_max': '1000',
    },
    neighbours: { ipv4: 10, ipv6: 10 },
    conntrackEntries: 10,
    namespaceObjects: 5,
    blockedTasks: [],
    ...changes,
  };
}

/** A line logged this many seconds before the probe. */
export function line(secondsAgo: number, text: string): KernelMessage {
  return {
    seconds: 864_000 - secondsAgo,
    at: new Date(Date.parse(NOW) - secondsAgo * 1000).toISOString(),
    text,
  };
}

/** A device that the kernel waits for: one line every ten seconds, the last one this long ago. */
export function waitingFor(device: string, counts: readonly number[], lastSecondsAgo = 4): KernelMessage[] {
  return counts.map((count, index) =>
    line(
      lastSecondsAgo + (counts.length - 1 - index) * 10,
      `unregister_netdevice: waiting for ${device} to become free. Usage count = ${count}`,
    ),
  );
}
