import { describe, expect, it } from 'vitest';
import { podToGatewayUnreachable } from '../../../lib/checks/connectivity/pod-to-gateway-unreachable.ts';
import type { PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import { aHostLink, aHostStack, aPodNetwork, context, failures } from '../evidence.ts';
import { aCalicoPod, anAwsPod } from '../layouts.ts';
import { aGatewayPing, aPing, aProbe } from './probes.ts';

const FAILED = aGatewayPing({ answered: false, neighbour: 'FAILED' });

function run(
  pings: Sources['active'][number]['pings'],
  network: PodNetwork = aPodNetwork(),
  hostNetwork = aHostStack(),
) {
  return podToGatewayUnreachable.run(
    { podNetworks: [network], hostNetwork, active: [aProbe({ pings })] },
    context,
  );
}

describe('pod-to-gateway-unreachable', () => {
  it('runs only when asked for, and passes a pod whose gateway answers', () => {
    expect(podToGatewayUnreachable.active).toBe('ping');
    expect(run([aGatewayPing()])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a pod whose gateway does not even answer for its MAC address', () => {
    const [found] = failures(run([FAILED]));
    expect(found?.detail).toBe(
      'From the pod, its gateway 10.244.1.1 cannot be reached: neighbour entry FAILED.',
    );
    expect(found?.confidence).toBe('confirmed');
  });

  it.each([
    ['AWS VPC CNI', anAwsPod, 'PERMANENT 4e:00:00:00:00:01'],
    ['Calico', aCalicoPod, 'REACHABLE ee:ee:ee:ee:ee:ee'],
  ])('goes by the neighbour entry where no gateway ever answers: %s', (_name, layout, neighbour) => {
    const { network, host } = layout();
    const silent = aGatewayPing({ target: '169.254.1.1', answered: false, neighbour });
    expect(run([silent], network, host)).toMatchObject([{ result: 'pass' }]);
    expect(failures(run([{ ...silent, neighbour: 'INCOMPLETE' }], network, host))).toHaveLength(1);
  });

  it('is inconclusive when the gateway is there but answers no ping, or nothing is known of it', () => {
    for (const neighbour of ['REACHABLE 0a:58:0a:f4:01:01', null]) {
      expect(run([aGatewayPing({ answered: false, neighbour })])).toMatchObject([
        { result: 'notApplicable', reason: expect.stringContaining('inconclusive') },
      ]);
    }
  });

  it('is one finding with node-to-pod-unreachable when nothing passes in either direction', () => {
    const dead = aPing({ answered: false, neighbour: 'FAILED' });
    expect(run([FAILED, dead])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('node-to-pod-unreachable') },
    ]);
  });

  it('is not applicable when another finding explains it, or the plugin is not known', () => {
    expect(run([FAILED], aPodNetwork({ hostLink: aHostLink({ up: false }) }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('veth-host-side-down') },
    ]);
    expect(run([FAILED], aPodNetwork({ plugin: null }))).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know when no ping was sent', () => {
    expect(run([aPing()])).toMatchObject([{ result: 'unknown' }]);
  });
});
