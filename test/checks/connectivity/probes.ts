/** Results of an active probe for the pod of test/checks/evidence.ts. */
import type { Sources } from '../../../lib/model/evidence.ts';
import { POD_NAMESPACE } from '../evidence.ts';

type Probe = Sources['active'][number];

export function aPing(changes: Partial<Probe['pings'][number]> = {}): Probe['pings'][number] {
  return {
    from: 'node',
    target: '10.244.1.2',
    answered: true,
    neighbour: 'REACHABLE 0a:58:0a:f4:01:02',
    ...changes,
  };
}

/** From the pod to its gateway. */
export function aGatewayPing(changes: Partial<Probe['pings'][number]> = {}): Probe['pings'][number] {
  return aPing({ from: 'pod', target: '10.244.1.1', neighbour: 'REACHABLE 0a:58:0a:f4:01:01', ...changes });
}

export function aLookup(changes: Partial<Probe['lookups'][number]> = {}): Probe['lookups'][number] {
  return {
    server: '10.96.0.10',
    name: 'kubernetes.default.svc.cluster.local',
    answered: true,
    error: null,
    ...changes,
  };
}

export function aProbe(changes: Partial<Probe> = {}): Probe {
  return { inode: POD_NAMESPACE, pings: [], lookups: [], ...changes };
}
