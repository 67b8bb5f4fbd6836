/** The network of each pod: what API, runtime, kernel and CNI say about it, side by side. */

import type { CniResult, NetworkNamespace, ObservedPod, PodNetwork, Sandbox } from '../model/evidence.ts';
import { canonicalPath } from '../model/path.ts';
import { isSandboxOf } from '../model/sandbox-owner.ts';

/** The settled, running pods with their own network, each with its ready sandbox. */
export function podNetworks(inputs: {
  readonly pods: readonly ObservedPod[];
  readonly sandboxes: readonly Sandbox[];
  readonly namespaces: readonly NetworkNamespace[];
  readonly results: readonly CniResult[];
}): PodNetwork[] {
  const byInode = new Map(inputs.namespaces.map((namespace) => [namespace.inode, namespace]));
  const byPath = new Map(
    inputs.namespaces.flatMap(({ pins, inode }) => pins.map((path) => [canonicalPath(path), inode] as const)),
  );
  const host = inputs.namespaces.find((namespace) => namespace.host);
  return inputs.pods.flatMap((pod): PodNetwork[] => {
    if (pod.unsettled !== null || pod.hostNetwork || pod.phase !== 'Running') return [];
    const sandbox = inputs.sandboxes
      .filter((one) => isSandboxOf(one, pod) && one.state === 'ready' && one.stable)
      .sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''))[0];
    if (sandbox === undefined) return [];
    const inode = namespaceOf(sandbox, byPath, host?.inode);
    // Nothing in the node's own network is the pod's: pod-in-host-network reports it.
    if (inode !== null && inode === host?.inode) return [];
    const stack = inode === null ? undefined : byInode.get(inode)?.stack;
    const results = inputs.results.filter(({ containerId }) => containerId === sandbox.id).sort(byInterface);
    const name = results[0]?.interface ?? 'eth0';
    const value = stack?.status === 'present' ? stack.value : null;
    const link = value?.links.find((one) => one.name === name) ?? null;
    const hostLinks = host?.stack.status === 'present' ? host.stack.value.links : [];
    const peer = link?.peer;
    return [
      {
        pod,
        sandbox,
        namespace: inode,
        stack: value,
        interface: name,
        link,
        hostLink:
          peer?.status === 'matched' && peer.namespace === host?.inode
            ? (hostLinks.find(({ index }) => index === peer.index) ?? null)
            : null,
        results,
        plugin: results[0]?.plugins[0] ?? null,
      },
    ];
  });
}

/**
 * The pod's namespace: that of its pause process, else the one its path leads to. They differ if a pin was
 * covered by another (pod-network-split), or one of them is the node's own (pod-in-host-network). What the
 * pod really uses is examined.
 */
function namespaceOf(
  sandbox: Sandbox,
  byPath: ReadonlyMap<string, number>,
  host: number | undefined,
): number | null {
  const path = sandbox.namespacePath;
  const pinned = path === null || path.startsWith('/proc/') ? undefined : byPath.get(canonicalPath(path));
  const process = sandbox.networkNamespace;
  return process === null || (process === host && pinned !== undefined) ? (pinned ?? process) : process;
}

const byInterface = (a: CniResult, b: CniResult) =>
  Number(b.interface === 'eth0') - Number(a.interface === 'eth0') || a.interface.localeCompare(b.interface);
