import { beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, listServiceEndpoints } from '../../lib/cluster/index.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { connectedStub } from '../stub/connected.ts';

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';
const { signal } = new AbortController();
let stub: StubApiServer;
let cluster: Cluster;

beforeEach(async () => {
  ({ stub, cluster } = await connectedStub());
});

const pod = (name: string, ready?: boolean) => ({
  addresses: ['10.244.1.2'],
  ...(ready === undefined ? {} : { conditions: { ready } }),
  targetRef: { kind: 'Pod', namespace: 'shop', name },
});
const aSlice = (name: string, service: string | null, endpoints: object[] | null): ApiObject => ({
  metadata: {
    name,
    namespace: 'shop',
    labels: service === null ? {} : { 'kubernetes.io/service-name': service },
  },
  addressType: 'IPv4',
  endpoints,
});

describe('endpoints of Services', () => {
  it('are the pods that are ready, each once for its Service', async () => {
    stub.collections.set(SLICES, [
      aSlice('web-4', 'web', [pod('web-1', true), pod('web-2', false), pod('web-3')]),
      aSlice('web-6', 'web', [pod('web-1', true)]),
      aSlice('api-4', 'api', [pod('web-1', true), { addresses: ['192.0.2.1'] }]),
      aSlice('by-hand', null, [pod('web-1', true)]),
      aSlice('empty', 'empty', null),
    ]);
    expect(await listServiceEndpoints(cluster, { signal })).toEqual({
      status: 'present',
      value: [
        { namespace: 'shop', pod: 'web-1', service: 'web' },
        { namespace: 'shop', pod: 'web-3', service: 'web' },
        { namespace: 'shop', pod: 'web-1', service: 'api' },
      ],
    });
  });

  it('are unread, and no error, where they may not be listed', async () => {
    stub.fail({ path: SLICES, status: 403, message: 'endpointslices is forbidden' });
    expect(await listServiceEndpoints(cluster, { signal })).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('list endpointslices'),
    });
  });
});
