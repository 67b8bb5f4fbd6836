import { beforeEach, describe, expect, it } from 'vitest';
import { withEndpoints, withLaterEndpoints } from '../../lib/audit/dns-endpoints.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { connectedStub } from '../stub/connected.ts';

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';
const OF_DNS = '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices';
const dns = { namespace: 'kube-system', name: 'kube-dns', addresses: ['10.96.0.10'], endpoints: null };
const pause = { times: 3, milliseconds: 1 };
let stub: StubApiServer;
let cluster: Cluster;

beforeEach(async () => {
  ({ stub, cluster } = await connectedStub());
});

const aSlice = (...endpoints: object[]): ApiObject => ({
  metadata: {
    name: 'kube-dns-1',
    namespace: 'kube-system',
    labels: { 'kubernetes.io/service-name': 'kube-dns' },
  },
  addressType: 'IPv4',
  endpoints,
});
const endpoint = (conditions?: object) => ({ addresses: ['10.244.1.2'], conditions });
const counted = async () => (await withEndpoints(cluster, [dns], {}, pause)).map((each) => each.endpoints);
const addressesOf = async () =>
  (await withEndpoints(cluster, [dns], {}, pause)).map((each) => each.endpointAddresses);
const asked = () => stub.requests.filter((request) => request.includes(OF_DNS)).length;

describe('endpoints of the DNS of a cluster', () => {
  it('are those that are ready, or end but still serve, also without a pod', async () => {
    stub.collections.set(SLICES, [
      aSlice(
        endpoint({ ready: true }),
        endpoint(),
        endpoint({ ready: false, serving: true, terminating: true }),
        endpoint({ ready: false, serving: false }),
      ),
    ]);
    expect(await counted()).toEqual([3]);
    expect(asked()).toBe(1);
  });

  it('have addresses, those that are not ready as well', async () => {
    stub.collections.set(SLICES, [
      aSlice(endpoint(), { addresses: ['10.244.2.7'], conditions: { ready: false } }),
    ]);
    expect(await addressesOf()).toEqual([['10.244.1.2', '10.244.2.7']]);
    const many = (length: number) =>
      aSlice(...Array.from({ length }, (_, at) => ({ addresses: [`10.244.${at >> 8}.${at & 255}`] })));
    stub.collections.set(SLICES, [many(1000)]);
    expect((await addressesOf())[0]).toHaveLength(1000);
    stub.collections.set(SLICES, [many(1001)]);
    expect(await addressesOf()).toEqual([null]);
  });

  it('are asked for again where there are none: a DNS that restarts is not down', async () => {
    stub.collections.set(SLICES, [aSlice(endpoint({ ready: false }))]);
    expect(await counted()).toEqual([0]);
    expect(asked()).toBe(4);
  });

  it('are unknown where they may not be listed, and not asked for where there are many such Services', async () => {
    stub.fail({ path: OF_DNS, status: 403, message: 'endpointslices is forbidden' });
    expect(await counted()).toEqual([null]);
    const many = Array.from({ length: 11 }, (_, index) => ({ ...dns, name: `dns-${index}` }));
    expect(await withEndpoints(cluster, many, {}, pause)).toEqual(many);
  });

  it('are those before and after a node was probed, as its DNS may be rolled out meanwhile', async () => {
    stub.collections.set(SLICES, [aSlice(endpoint())]);
    const planned = await withEndpoints(cluster, [dns], {}, pause);
    stub.collections.set(SLICES, [aSlice({ addresses: ['10.244.2.7'] })]);
    expect(await withLaterEndpoints(cluster, planned)).toEqual([
      { ...dns, endpoints: 1, endpointsAfter: 1, endpointAddresses: ['10.244.1.2', '10.244.2.7'] },
    ]);
    stub.collections.set(SLICES, []);
    expect(await withLaterEndpoints(cluster, planned)).toMatchObject([{ endpoints: 1, endpointsAfter: 0 }]);
    stub.fail({ path: OF_DNS, status: 403, message: 'endpointslices is forbidden' });
    expect(await withLaterEndpoints(cluster, planned)).toMatchObject([{ endpointAddresses: null }]);
  });
});
