/**
 * The names that a repair may touch, as regular expressions for JavaScript and for CEL (RE2) alike: a
 * report's repairs are held to them when they are read, and the arguments of the repair pod by its admission
 * policy.
 */
import * as z from 'zod';

/** What the runtime's pins are called under /run/netns: containerd makes `cni-` and a UUID. */
export const PIN = 'cni-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/**
 * A link, as CNI plugins and their configurations name it; no whole number, so that `ip` never takes it for
 * something else.
 */
export const LINK = '[a-z][A-Za-z0-9_.-]{0,14}';
export const ADDRESS = '[0-9a-f.:]{3,39}';
export const ADDRESS_4 = '[0-9.]{7,15}';
export const SUBNET_4 = `${ADDRESS_4}/[0-9]{1,2}`;
export const MAC = '[0-9a-f]{2}(:[0-9a-f]{2}){5}';
/** The id that a kernel gives to each boot. */
export const BOOT = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** A network of host-local, which is a directory. */
export const NETWORK = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}';
/** The id of a container. */
export const CONTAINER = '[0-9a-f]{64}';
/** A number that the kernel gives to a namespace or a link. */
export const NUMBER = '[0-9]{1,10}';
export const kernelNumber = z.int().min(1).max(4_294_967_295);

/** A regular expression for the whole text. */
export function whole(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}
