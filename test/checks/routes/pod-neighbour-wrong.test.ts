import { describe, expect, it } from 'vitest';
import { podNeighbourWrong } from '../../../lib/checks/routes/pod-neighbour-wrong.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { Neighbour, Route } from '../../../lib/model/network.ts';
import {
  aHostLink,
  aLink,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';

const OTHER = '10.244.1.9';
const MAC = '0a:58:0a:f4:01:09';
const WRONG = '02:de:ad:00:00:03';
const toSubnet = aRoute({ destination: '10.244.1.0/24', gateway: null, link: 'eth0' });
const toGateway = aRoute({ gateway: '10.244.1.1', link: 'eth0' });

const entry = (changes: Partial<Neighbour> = {}): Neighbour => ({
  ...{ destination: OTHER, link: 'eth0', mac: WRONG, states: ['PERMANENT'] },
  ...changes,
});

function pods(neighbours: Neighbour[], routes: Route[] = [toSubnet, toGateway]): PodNetwork[] {
  const other = aPodNetwork({
    pod: aPod({ name: 'web-2', uid: 'uid-2', podIPs: [OTHER] }),
    namespace: 4026532999,
    stack: aStack({ addresses: [anAddress({ link: 'eth0', address: OTHER })] }),
    link: aLink({ name: 'eth0', mac: MAC }),
  });
  return [aPodNetwork({ stack: aStack({ neighbours, routes }) }), other];
}
const run = (...args: Parameters<typeof pods>) =>
  podNeighbourWrong.run({ podNetworks: pods(...args) }, context);

describe('pod-neighbour-wrong', () => {
  it('finds a permanent entry with another MAC address, names the other pod, and deletes the entry', () => {
    const [found, ...more] = failures(run([entry()]));
    expect(more).toEqual([]);
    expect(found?.detail).toBe(
      `The pod has permanent entries with wrong MAC addresses: ${OTHER} (shop/web-2) with ${WRONG} instead of ${MAC}.`,
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      expect.stringMatching(/^nsenter --net=\/\S+ ip neigh del 10\.244\.1\.9 dev eth0$/),
    ]);
  });

  it('lets the tool delete it, unless the pod may have written it itself', () => {
    const pin = (digit: string) => `cni-00000000-0000-4000-8000-00000000000${digit}`;
    const [main] = aPod().containers;
    const named = (podNetworks: PodNetwork[], may: 'main' | 'init' | null): PodNetwork[] =>
      podNetworks.map((network, index) => ({
        ...network,
        sandbox: { ...network.sandbox, namespacePath: `/var/run/netns/${pin(String(index))}` },
        hostLink: aHostLink({ name: 'veth12345678', index: 7 }),
        pod: {
          ...network.pod,
          containers:
            main === undefined
              ? []
              : [
                  { ...main, netAdmin: may === 'main' },
                  { ...main, name: 'setup', role: 'init' as const, netAdmin: may === 'init' },
                ],
        },
      }));
    const foundIf = (may: 'main' | 'init' | null) =>
      failures(podNeighbourWrong.run({ podNetworks: named(pods([entry()]), may) }, context))[0];
    expect(foundIf(null)?.confidence).toBe('confirmed');
    expect(foundIf(null)?.repair).toEqual({
      kind: 'restore',
      objects: [
        {
          what: 'pod-neighbour',
          namespace: { pin: pin('0'), inode: expect.any(Number) },
          link: { name: 'veth12345678', index: 7 },
          inPod: 'eth0',
          address: OTHER,
          mac: WRONG,
          other: { pin: pin('1'), inode: 4026532999 },
        },
      ],
    });
    // What an init container wrote is still there when it has ended.
    for (const may of ['main', 'init'] as const)
      expect(foundIf(may)).toMatchObject({ confidence: 'probable', repair: null });
  });

  it.each<[string, Neighbour[], Route[]?]>([
    ['with its MAC address', [entry({ mac: MAC })]],
    ['that the kernel learned, and will ask for again', [entry({ states: ['STALE'] })]],
    ['of another link', [entry({ link: 'net1' })]],
    ['for its own address', [entry({ destination: '10.244.1.2' })]],
    ['that has no MAC address', [entry({ mac: null })]],
    ['that it does not use, as packets for it are dropped', [entry()], [{ ...toSubnet, type: 'blackhole' }]],
    ['that it does not use, as its route is in another table', [entry()], [{ ...toSubnet, table: '100' }]],
    ['that it does not use, as another link leads there', [entry()], [{ ...toSubnet, link: 'net1' }]],
    ['for an address of no pod of the node', [entry({ destination: '10.244.1.77' })]],
    ['that it does not use, as a gateway leads there', [entry()], [toGateway]],
    [
      'that it does not use, as a longer route leads elsewhere',
      [entry()],
      [toSubnet, aRoute({ destination: `${OTHER}/32`, gateway: '10.244.1.1', link: 'eth0' })],
    ],
  ])('passes one %s', (_, neighbours, routes) => {
    expect(run(neighbours, routes).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });
});
