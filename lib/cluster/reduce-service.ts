/** Keeps only the Services that answer DNS queries, and only their addresses. */
import * as z from 'zod';
import type { DnsService } from '../model/kubernetes.ts';

const rawService = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  spec: z.object({
    clusterIP: z.string().optional(),
    clusterIPs: z.array(z.string()).optional(),
    externalIPs: z.array(z.string()).optional(),
    ports: z.array(z.object({ port: z.number() })).optional(),
  }),
});

const DNS_PORT = 53;

/** Null for a Service that answers no DNS queries, or has no address. */
export function reduceDnsService(item: unknown): DnsService | null {
  const { metadata: meta, spec } = rawService.parse(item);
  const addresses = [
    ...(spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP])),
    ...(spec.externalIPs ?? []),
  ].filter((address) => address !== '' && address !== 'None');
  if (addresses.length === 0 || !(spec.ports ?? []).some(({ port }) => port === DNS_PORT)) return null;
  return { namespace: meta.namespace ?? 'default', name: meta.name, addresses, endpoints: null };
}
