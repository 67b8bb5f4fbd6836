/** The mount namespace in which the runtime pins the pods' network namespaces. */
import { isCrioName } from '../../computed/pods/ownership.ts';

/**
 * Prefix for a command that has to see these pins, for a shell on the node. It enters the mount namespace of
 * PID 1, or of `kubens.service` if OpenShift runs CRI-O and the kubelet there (docs/traps.md T51). Both are
 * found by files that only root can write: a process named like CRI-O may be in a container.
 */
export function amongMounts(pins: readonly string[]): string {
  return pins.some(isCrioName)
    ? 'nsenter --mount="$(ls /run/kubens/mnt 2>/dev/null || echo /proc/1/ns/mnt)" --'
    : 'nsenter -t 1 -m --';
}
