/**
 * What must hold before a later check of the same pod may judge. One cause is one finding: if an earlier
 * check already reports the cause, the later one is not applicable and names that check.
 */
import type { PodNetwork, Sandbox } from '../model/evidence.ts';
import type { Container, Pod } from '../model/kubernetes.ts';
import type { Address } from '../model/network.ts';
import { sameAddress } from './cidr.ts';

const SANDBOXED = /gvisor|runsc|kata|firecracker/i;

/**
 * The runtime that runs the pod in its own kernel, so that the node's processes are not the pod's; null if
 * none does.
 */
export function ownKernel(
  sandbox: Pick<Sandbox, 'runtimeHandler'>,
  pod: Pick<Pod, 'runtimeClass'>,
): string | null {
  const handler = sandbox.runtimeHandler ?? pod.runtimeClass;
  return handler !== null && SANDBOXED.test(handler) ? handler : null;
}

/** The pod that runs a KubeVirt virtual machine. KubeVirt's own components (virt-handler …) are ordinary pods. */
export function isVirtualMachine({ labels }: Pick<Pod, 'labels'>): boolean {
  return (
    labels['kubevirt.io'] === 'virt-launcher' ||
    Object.keys(labels).some((label) => label.startsWith('kubevirt.io/'))
  );
}

/** Why the node's kernel does not show the network that the pod sees; null if it does (docs/traps.md T33). */
export function networkElsewhere(network: PodNetwork): string | null {
  const handler = ownKernel(network.sandbox, network.pod);
  if (handler !== null) return `the runtime ${handler} keeps the pod's network stack itself`;
  if (isVirtualMachine(network.pod)) {
    return 'the network of a KubeVirt virtual machine is inside the guest';
  }
  return null;
}

/**
 * Whether a container may change the pod's network while it runs, as VPN clients do. Init containers do not
 * count: that of a mesh (istio-init) has the right in every pod, writes only packet filters, and ends before
 * the pod serves.
 */
export function mayChangeNetwork({ netAdmin, role }: Pick<Container, 'netAdmin' | 'role'>): boolean {
  return netAdmin && role !== 'init';
}

/** Addresses of the main interface that are not link-local. */
export function mainAddresses(network: PodNetwork): readonly Address[] {
  return (network.stack?.addresses ?? []).filter(
    (address) => address.link === network.interface && address.scope === 'global',
  );
}

/** A fault of the pod's own interface or its pair that other checks report; null when both ends are in order. */
export function linkFault(network: PodNetwork): string | null {
  const { link, hostLink } = network;
  if (network.stack !== null && !network.stack.links.some((found) => found.name === network.interface)) {
    return `the interface ${network.interface} is missing: see pod-interface-missing`;
  }
  if (link === null) return 'the interface of the pod could not be determined';
  if (!link.up) return `the interface ${link.name} is down: see pod-interface-down`;
  if (link.peer !== null && link.peer.status === 'missing') {
    return `the node's end of ${link.name} is gone: see veth-peer-missing`;
  }
  if (link.peer !== null && link.peer.status === 'mismatched') {
    return `the ends of the pair do not point at each other: see veth-peer-mismatch`;
  }
  if (hostLink === null) return "the node's end of the pair could not be determined";
  if (!hostLink.up) return `the node's end ${hostLink.name} is down: see veth-host-side-down`;
  return null;
}

/** The pod's API addresses that its main interface lacks; other checks report those. */
export function lostAddresses(network: PodNetwork): readonly string[] {
  const held = mainAddresses(network);
  return network.pod.podIPs.filter((ip) => !held.some(({ address }) => sameAddress(address, ip)));
}
