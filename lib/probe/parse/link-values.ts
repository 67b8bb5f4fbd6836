/** Values of a link that the kernel tells in netlink and that `ip -d -j link` prints. */
import type { Link } from '../../model/network.ts';
import { fitting } from '../grammar.ts';

/** XDP_ATTACHED_* of linux/if_link.h, from 1 on. */
const XDP_MODES = ['driver', 'generic', 'offload', 'several'] as const;

/** @param mode - the kernel's number; 0 means none */
export function toXdp(mode: number, name: string | null): Link['xdp'] {
  const known = XDP_MODES[mode - 1];
  return known === undefined ? null : { mode: known, name };
}

/** Names come from the kernel's modules; noqueue and noop are none. */
export function toQueue(kind: string | null): string | null {
  return kind === null || kind === 'noqueue' || kind === 'noop' ? null : fitting('id', kind);
}

type VxlanData = {
  readonly port?: number | null | undefined;
  readonly id?: number | null | undefined;
  readonly external?: boolean | undefined;
  readonly local?: string | null | undefined;
  readonly local6?: string | undefined;
};

/** A device that takes the VNI from each packet has one as well, 0. */
export function toVxlan(data: VxlanData): Pick<Link, 'vxlanPort' | 'vxlanId' | 'vxlanLocal'> {
  const { port = null, id = null, external = false, local, local6 } = data;
  return { vxlanPort: port, vxlanId: external ? null : id, vxlanLocal: local ?? local6 ?? null };
}

/** Ports of a bond have different data. */
type PortData = {
  readonly [Flag in 'hairpin' | 'learning' | 'isolated' | 'bcast_flood' | 'locked']?: boolean | undefined;
};

/** @returns null for what is no port of a bridge */
export function portFlags(data: PortData = {}): Link['portFlags'] {
  const { hairpin, learning, isolated = false, bcast_flood = null, locked = null } = data;
  return hairpin === undefined || learning === undefined
    ? null
    : { hairpin, learning, isolated, bcast_flood, locked };
}
