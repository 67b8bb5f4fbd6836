/** The mount namespace in which the runtime pins the namespaces of pods. */
import { isCrioName } from '../../computed/ownership.ts';

/**
 * Words before a command that has to see these pins, for a shell on the node. It runs in the mount namespace of PID 1, or
 * in the one of `kubens.service` where OpenShift gives CRI-O and the kubelet that (docs/traps.md T51). Both are known by
 * files of root alone: a process of CRI-O's name may be a container's.
 */
export function amongMounts(pins: readonly string[]): string {
  return pins.some(isCrioName)
    ? 'nsenter --mount="$(ls /run/kubens/mnt 2>/dev/null || echo /proc/1/ns/mnt)" --'
    : 'nsenter -t 1 -m --';
}
