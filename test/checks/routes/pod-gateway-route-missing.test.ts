import { describe, expect, it } from 'vitest';
import { podGatewayRouteMissing } from '../../../lib/checks/routes/pod-gateway-route-missing.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { anAddress, aPodNetwork, aRoute, aStack, context, failures } from '../evidence.ts';
import { anAwsPod, healthyLayouts, withStack } from '../layouts.ts';

function run(...podNetworks: PodNetwork[]) {
  return podGatewayRouteMissing.run({ podNetworks }, context);
}

describe('pod-gateway-route-missing', () => {
  it.each(healthyLayouts)('passes a healthy pod of %s', (_name, layout) => {
    expect(run(layout().network)).toMatchObject([{ result: 'pass' }]);
  });

  it("finds a pod whose subnet's route is gone, with its default route still there", () => {
    const [found] = failures(run(aPodNetwork({ stack: aStack({ routes: [aRoute()] }) })));
    expect(found?.detail).toBe(
      'No route leads to the gateway 10.244.1.1 on eth0 itself; on link are no subnets at all.',
    );
  });

  it.each([
    ['leads there by another gateway', { gateway: '10.244.1.254' }],
    ['is on another link', { link: 'net1' }],
    ['drops what is sent there', { type: 'blackhole', link: null }],
    ['leads to another subnet', { destination: '10.99.0.0/16' }],
    ['is the default route without a gateway', { destination: '0.0.0.0/0', metric: 500 }],
  ])('does not count a route that %s', (_, changes) => {
    const onLink = aRoute({ destination: '10.244.1.0/24', gateway: null, scope: 'link' });
    const routes = [aRoute(), { ...onLink, ...changes }];
    expect(failures(run(aPodNetwork({ stack: aStack({ routes }) })))).toHaveLength(1);
  });

  it('finds a pod of AWS without its route to 169.254.1.1', () => {
    const pod = withStack(anAwsPod().network, { routes: [aRoute({ gateway: '169.254.1.1' })] });
    expect(failures(run(pod))[0]?.detail).toContain('169.254.1.1');
  });

  it('is content with a default route that is onlink itself', () => {
    const pod = aPodNetwork({ stack: aStack({ routes: [aRoute({ flags: ['onlink'] })] }) });
    expect(run(pod)).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('leaves a pod without any route to pod-default-route-missing', () => {
    expect(run(aPodNetwork({ stack: aStack({ routes: [] }) }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('pod-default-route-missing') },
    ]);
  });

  it('leaves a pod that lost its address to the checks of addresses', () => {
    const stack = aStack({ addresses: [anAddress({ address: '10.9.9.9' })], routes: [aRoute()] });
    expect(run(aPodNetwork({ stack }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('pod-address-missing') },
    ]);
  });

  it('is not applicable where no result names the gateway', () => {
    expect(run(aPodNetwork({ plugin: 'cilium-cni', results: [] }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('no IPv4 gateway') },
    ]);
  });

  it('does not know when the namespace could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))).toMatchObject([{ result: 'unknown' }]);
  });
});
