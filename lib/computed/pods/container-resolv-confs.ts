/** The resolv.conf that a pod's containers really see, read through each container's root (docs/traps.md T49). */
import type { PodNetwork, ResolvConf } from '../../model/evidence.ts';
import { contains } from '../cidr.ts';

export type ContainerResolvConf = { readonly container: string; readonly file: ResolvConf };

/** One entry for each running container whose file was read. */
export function resolvConfs({ sandbox }: PodNetwork): ContainerResolvConf[] {
  return sandbox.containers.flatMap(({ name, pid, resolvConf }) =>
    pid === null || resolvConf === null ? [] : [{ container: name, file: resolvConf }],
  );
}

/** Running containers whose file could not be read. */
export function unreadContainers({ sandbox }: PodNetwork): string[] {
  return sandbox.containers.flatMap(({ name, pid, resolvConf }) =>
    pid !== null && resolvConf === null ? [name] : [],
  );
}

/** A loopback address, such as 127.0.0.53 of systemd-resolved: in a pod nothing listens there. */
export function isLoopback(server: string): boolean {
  return contains('127.0.0.0/8', server) || contains('::1/128', server);
}

/** The nameservers of a file in words. */
export function serversText(file: ResolvConf): string {
  return file.nameservers.join(', ') || 'none';
}
