/** Pods with given /etc/resolv.conf files in their containers. */
import type { ObservedPod, PodNetwork, ResolvConf } from '../../../lib/model/evidence.ts';
import { aPod, aPodNetwork, aSandbox } from '../evidence.ts';

export function aFile(...nameservers: string[]): ResolvConf {
  return {
    exists: true,
    nameservers,
    searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
    options: ['ndots:5'],
  };
}

/** A pod whose only container has this file; `createdAt` is when its sandbox, and so the file, was created. */
export function aPodWith(
  file: ResolvConf | null,
  changes: Partial<ObservedPod> = {},
  createdAt = '2026-11-19T02:00:01Z',
): PodNetwork {
  const [container] = aSandbox().containers;
  if (container === undefined) throw new Error('the sandbox of the evidence has a container');
  return aPodNetwork({
    pod: aPod(changes),
    sandbox: aSandbox({ createdAt, containers: [{ ...container, resolvConf: file }] }),
  });
}
