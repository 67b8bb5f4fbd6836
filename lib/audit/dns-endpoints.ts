/** Which Services for DNS have nobody behind them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type ListOptions, readEndpoints } from '../cluster/index.ts';
import { AuditError } from '../model/errors.ts';
import type { DnsService } from '../model/kubernetes.ts';
import { forEachLimited } from '../model/limit.ts';

/** A DNS that is restarted is back within seconds; one without endpoints for longer is down. */
const RESTART = { times: 3, milliseconds: 10_000 };
/** Clusters have one or two; every one costs a request. */
const MOST = 10;
const AT_ONCE = 4;
const ONCE = { times: 0, milliseconds: 0 };

type Endpoints = Pick<DnsService, 'endpoints' | 'endpointAddresses'>;
const UNREAD: Endpoints = { endpoints: null, endpointAddresses: null };

/**
 * The Services with their endpoints, which are asked for once; of a Service without any again, for half a
 * minute. Null where they may not be asked for, and for all where there are many Services with a port 53, as
 * they are not the cluster's DNS.
 *
 * @throws AuditError ABORTED
 */
export async function withEndpoints(
  cluster: Cluster,
  services: readonly DnsService[],
  options: ListOptions = {},
  pause = RESTART,
): Promise<DnsService[]> {
  if (services.length > MOST) return [...services];
  const found = new Map<DnsService, Endpoints>();
  await forEachLimited(services, AT_ONCE, async (service) => {
    found.set(service, await settled(cluster, service, options, pause));
  });
  return services.map((service) => ({ ...service, ...(found.get(service) ?? UNREAD) }));
}

/**
 * The Services with the endpoints that they have now as well: between plan and probe the DNS may have been
 * rolled out, and the rules of a node may be those of either moment.
 *
 * @throws AuditError ABORTED
 */
export async function withLaterEndpoints(
  cluster: Cluster,
  services: readonly DnsService[],
  options: ListOptions = {},
): Promise<DnsService[]> {
  const read = async (service: DnsService): Promise<DnsService> => {
    const { endpointAddresses: before } = service;
    if (before == null) return service;
    const { endpoints, endpointAddresses: now = null } = await settled(cluster, service, options, ONCE);
    const addresses = now === null ? null : [...new Set([...before, ...now])];
    return { ...service, endpointsAfter: endpoints, endpointAddresses: addresses };
  };
  return await Promise.all(services.map(read));
}

async function settled(
  cluster: Cluster,
  service: DnsService,
  options: ListOptions,
  { times, milliseconds }: typeof RESTART,
): Promise<Endpoints> {
  try {
    let endpoints = await readEndpoints(cluster, service, options);
    for (let tried = 0; endpoints.endpoints === 0 && tried < times; tried += 1) {
      await sleep(milliseconds, undefined, options);
      endpoints = await readEndpoints(cluster, service, options);
    }
    return endpoints;
  } catch (error) {
    if (options.signal?.aborted || (error instanceof AuditError && error.code === 'ABORTED')) throw error;
    return UNREAD;
  }
}
