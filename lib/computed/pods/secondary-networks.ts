/** Parses Multus' annotations about a pod's networks. */
import * as z from 'zod';
import type { Pod } from '../../model/kubernetes.ts';

const PREFIX = 'k8s.v1.cni.cncf.io/';
const statusSchema = z.array(
  z.object({
    name: z.string(),
    interface: z.string().optional(),
    default: z.boolean().optional(),
    ips: z.array(z.string()).nullish(),
    'device-info': z.unknown().optional(),
  }),
);

/** Whether networks were asked for by annotation. */
export function asksForNetworks(pod: Pod): boolean {
  return !/^\s*(\[\s*\])?\s*$/.test(pod.annotations[`${PREFIX}networks`] ?? '');
}

/** Networks besides the default one, with their interface; null if there is no status, or it cannot be parsed. */
export function secondaryNetworks(pod: Pod): { name: string; interface: string }[] | null {
  const text = pod.annotations[`${PREFIX}network-status`] ?? pod.annotations[`${PREFIX}networks-status`];
  if (text === undefined) return null;
  try {
    return statusSchema
      .parse(JSON.parse(text))
      .flatMap((status) =>
        status.default === true || status.interface === undefined || isUserSpace(status)
          ? []
          : [{ name: status.name, interface: status.interface }],
      );
  } catch {
    return null;
  }
}

/** A device driven by a user-space program (DPDK, vhost-user) is no kernel interface, and has no address. */
function isUserSpace({ ips, 'device-info': device }: z.infer<typeof statusSchema>[number]): boolean {
  return device !== undefined && (ips ?? []).length === 0;
}
