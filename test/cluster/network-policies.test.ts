import { beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, listNetworkPolicies } from '../../lib/cluster/index.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { connectedStub } from '../stub/connected.ts';

const { signal } = new AbortController();
let stub: StubApiServer;
let cluster: Cluster;

beforeEach(async () => {
  ({ stub, cluster } = await connectedStub());
});

const policy = (name: string, namespace?: string): ApiObject => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});
const KUBERNETES = '/apis/networking.k8s.io/v1/networkpolicies';
const CILIUM = '/apis/cilium.io/v2/ciliumnetworkpolicies';
const GLOBAL = '/apis/crd.projectcalico.org/v1/globalnetworkpolicies';

describe('network policies', () => {
  it('are the namespaces that have one, and the kinds for the whole cluster', async () => {
    stub.collections.set(KUBERNETES, [policy('a', 'shop'), policy('b', 'shop')]);
    stub.collections.set(CILIUM, [policy('c', 'bank')]);
    stub.collections.set(GLOBAL, [policy('default-deny')]);
    expect(await listNetworkPolicies(cluster, { signal })).toEqual({
      namespaces: ['bank', 'shop'],
      everywhere: ['globalnetworkpolicies.crd.projectcalico.org'],
      unread: null,
    });
  });

  it('are also those of Antrea, and the policies for whole clusters that replace those of administrators', async () => {
    stub.collections.set('/apis/crd.antrea.io/v1beta1/networkpolicies', [policy('a', 'shop')]);
    stub.collections.set('/apis/crd.antrea.io/v1beta1/clusternetworkpolicies', [policy('b')]);
    stub.collections.set('/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies', [policy('c')]);
    expect(await listNetworkPolicies(cluster, { signal })).toEqual({
      namespaces: ['shop'],
      everywhere: ['clusternetworkpolicies.policy.networking.k8s.io', 'clusternetworkpolicies.crd.antrea.io'],
      unread: null,
    });
  });

  it('are none in a cluster whose API has none of the kinds', async () => {
    expect(await listNetworkPolicies(cluster, { signal })).toEqual({
      namespaces: [],
      everywhere: [],
      unread: null,
    });
  });

  it('are unread, and no error, where one kind may not be listed', async () => {
    stub.collections.set(KUBERNETES, [policy('a', 'shop')]);
    stub.fail({ path: GLOBAL, status: 403, message: 'globalnetworkpolicies is forbidden' });
    expect(await listNetworkPolicies(cluster, { signal })).toMatchObject({
      namespaces: ['shop'],
      unread: expect.stringContaining('list globalnetworkpolicies.crd.projectcalico.org'),
    });
  });
});
