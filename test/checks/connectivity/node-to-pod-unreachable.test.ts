import { describe, expect, it } from 'vitest';
import { nodeToPodUnreachable } from '../../../lib/checks/connectivity/node-to-pod-unreachable.ts';
import type { PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import { aHostLink, aHostStack, aPodNetwork, aSandbox, aStack, context, failures } from '../evidence.ts';
import { inputRules, withFilters } from '../firewall/filters.ts';
import { aPing, aProbe } from './probes.ts';

const FAILED = aPing({ answered: false, neighbour: 'FAILED' });

function run(
  pings: Sources['active'][number]['pings'],
  network: PodNetwork = aPodNetwork(),
  hostNetwork = aHostStack(),
) {
  return nodeToPodUnreachable.run(
    { podNetworks: [network], hostNetwork, active: [aProbe({ pings })] },
    context,
  );
}

describe('node-to-pod-unreachable', () => {
  it('runs only when asked for, and passes a pod that answers', () => {
    expect(nodeToPodUnreachable.active).toBe('ping');
    expect(run([aPing()])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a pod that answers neither a ping nor for its MAC address', () => {
    const [found] = failures(run([FAILED]));
    expect(found?.detail).toBe(
      'From the node, 10.244.1.2 answers no ping, and its neighbour entry is FAILED.',
    );
    expect(found?.confidence).toBe('confirmed');
  });

  it('is inconclusive when the pod is there but drops pings, as a network policy has it', () => {
    for (const neighbour of ['REACHABLE 0a:58:0a:f4:01:02', 'STALE 0a:58:0a:f4:01:02', null]) {
      expect(run([aPing({ answered: false, neighbour })])).toMatchObject([
        { result: 'notApplicable', reason: expect.stringContaining('inconclusive') },
      ]);
    }
  });

  it.each([
    ['the pair is down', aPodNetwork({ hostLink: aHostLink({ up: false }) }), 'veth-host-side-down'],
    [
      'the pair left the bridge',
      aPodNetwork({ hostLink: aHostLink({ master: null }) }),
      'veth-bridge-detached',
    ],
    ['the address is gone', aPodNetwork({ stack: aStack({ addresses: [] }) }), 'pod-address-missing'],
    [
      'the default route is gone',
      aPodNetwork({ stack: aStack({ routes: [] }) }),
      'pod-default-route-missing',
    ],
    [
      'the firewall of the pod drops all',
      withFilters([inputRules('-A INPUT -j DROP')]),
      'pod-firewall-blocks-all',
    ],
    ['gVisor answers itself', aPodNetwork({ sandbox: aSandbox({ runtimeHandler: 'runsc' }) }), 'runsc'],
    ['the plugin is not known', aPodNetwork({ plugin: 'kube-ovn' }), 'kube-ovn'],
  ])('is not applicable when another finding explains it: %s', (_name, network, reason) => {
    expect(run([FAILED], network)).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining(reason) },
    ]);
  });

  it('leaves a bridge without its address, or without its route, to the finding about it', () => {
    expect(run([FAILED], aPodNetwork(), aHostStack({ addresses: [] }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('bridge-address-stale') },
    ]);
    expect(run([FAILED], aPodNetwork(), aHostStack({ routes: [] }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('host-route-missing') },
    ]);
  });

  it('does not know when the pod was not pinged', () => {
    expect(run([])).toMatchObject([{ result: 'unknown' }]);
  });
});
