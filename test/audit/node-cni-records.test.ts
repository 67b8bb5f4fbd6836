import { beforeEach, describe, expect, it } from 'vitest';
import { cniRecordsOf } from '../../lib/audit/node-cni-records.ts';
import { type Cluster, listCniRecords } from '../../lib/cluster/index.ts';
import type { CniRecords } from '../../lib/model/cni-records.ts';
import { aNode, aPod } from '../checks/evidence.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { connectedStub } from '../stub/connected.ts';

const ENDPOINTS = '/apis/cilium.io/v2/ciliumendpoints';
const BLOCKS = '/apis/crd.projectcalico.org/v1/ipamblocks';
const { signal } = new AbortController();
const node = aNode({ name: 'node-1', addresses: ['10.99.0.11'] });

let stub: StubApiServer;
let cluster: Cluster;

beforeEach(async () => {
  ({ stub, cluster } = await connectedStub());
});

/** In the format of Cilium 1.20, shortened. */
function anEndpoint(name: string, on = '10.99.0.11'): ApiObject {
  return {
    metadata: {
      name,
      namespace: 'shop',
      creationTimestamp: '2026-11-19T02:00:02Z',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: `uid-${name}` }],
    },
    status: {
      state: 'ready',
      networking: { addressing: [{ ipv4: '10.244.1.2' }], node: on },
    },
  };
}

/** In the format of Calico 3.28, with eight addresses instead of 64. */
function aBlock(name: string, cidr: string, attributes: object[], allocations: (number | null)[]): ApiObject {
  return { metadata: { name }, spec: { affinity: 'host:node-1', cidr, attributes, allocations } };
}

const ofPod = (pod: string, id: string, on = 'node-1') => ({
  handle_id: `k8s-pod-network.${id.repeat(64)}`,
  secondary: { namespace: 'shop', node: on, pod, timestamp: '2026-11-19 02:00:01.123 +0000 UTC' },
});

const present = <T>(part: { status: string; value?: T }): T => {
  expect(part.status).toBe('present');
  return part.value as T;
};

const ofNode = (records: CniRecords, pods = [aPod({ name: 'web-1' })]) =>
  cniRecordsOf(cluster, records, { node, pods }, { signal });

describe('what CNI agents keep in the API', () => {
  it('is absent where the cluster has no such kinds, or none of them', async () => {
    stub.collections.set(BLOCKS, []);
    expect(await listCniRecords(cluster, { signal })).toMatchObject({
      ciliumEndpoints: { status: 'absent', reason: 'the API has no ciliumendpoints' },
      calicoBlocks: { status: 'absent', reason: 'the API has no ipamblocks' },
    });
  });

  it('is unread, and no error, where it may not be listed', async () => {
    stub.fail({ path: ENDPOINTS, status: 403, message: 'ciliumendpoints is forbidden' });
    expect(await listCniRecords(cluster, { signal })).toMatchObject({
      ciliumEndpoints: { status: 'failed', reason: expect.stringContaining('list ciliumendpoints') },
    });
  });

  it('says of each endpoint whose it is, where, and its addresses', async () => {
    stub.collections.set(ENDPOINTS, [anEndpoint('web-1')]);
    expect(present((await listCniRecords(cluster, { signal })).ciliumEndpoints)).toEqual([
      {
        namespace: 'shop',
        name: 'web-1',
        podUid: 'uid-web-1',
        createdAt: '2026-11-19T02:00:02Z',
        node: '10.99.0.11',
        addresses: ['10.244.1.2'],
        state: 'ready',
      },
    ]);
  });

  it('says of each address that is taken by whom, in both families', async () => {
    const tunnel = {
      handle_id: 'vxlan-tunnel-addr-node-1',
      secondary: { node: 'node-1', type: 'vxlanTunnelAddress' },
    };
    stub.collections.set(BLOCKS, [
      aBlock('10-244-1-128-29', '10.244.1.128/29', [tunnel, ofPod('web-1', 'a')], [0, null, 1]),
      aBlock('fd00--40-125', 'fd00::40/125', [ofPod('web-1', 'a')], [null, null, null, 0]),
    ]);
    const [first, second] = present((await listCniRecords(cluster, { signal })).calicoBlocks);
    expect(first).toMatchObject({
      node: 'node-1',
      allocations: [
        { address: '10.244.1.128', handle: 'vxlan-tunnel-addr-node-1', pod: null, takenAt: null },
        { address: '10.244.1.130', pod: 'shop/web-1', node: 'node-1', takenAt: '2026-11-19T02:00:01Z' },
      ],
    });
    expect(second?.allocations[0]?.address).toBe('fd00::43');
  });
});

describe('what one node is judged by', () => {
  it('are the endpoints on it and of its pods, without another request', async () => {
    stub.collections.set(ENDPOINTS, [
      anEndpoint('web-1'),
      anEndpoint('other', '10.99.0.12'),
      { ...anEndpoint('web-2', '10.99.0.12') },
    ]);
    const records = await listCniRecords(cluster, { signal });
    const before = stub.requests.length;
    const own = await ofNode(records, [aPod({ name: 'web-1' }), aPod({ name: 'web-2' })]);
    expect(present(own.ciliumEndpoints).map(({ name }) => name)).toEqual(['web-1', 'web-2']);
    expect(stub.requests).toHaveLength(before);
  });

  it('asks again for an endpoint of no pod, whose pod may just have gone', async () => {
    stub.collections.set(ENDPOINTS, [anEndpoint('web-1'), anEndpoint('gone'), anEndpoint('stays')]);
    const records = await listCniRecords(cluster, { signal });
    stub.collections.set(ENDPOINTS, [anEndpoint('web-1'), anEndpoint('stays')]);
    const own = await ofNode(records);
    expect(present(own.ciliumEndpoints).map(({ name }) => name)).toEqual(['web-1', 'stays']);
  });

  it('asks for ten at most, and says how many it left out', async () => {
    stub.collections.set(
      ENDPOINTS,
      Array.from({ length: 13 }, (_, index) => anEndpoint(`left-${index}`)),
    );
    const records = await listCniRecords(cluster, { signal });
    const before = stub.requests.length;
    const own = await ofNode(records);
    expect(stub.requests.length - before).toBe(10);
    expect(own.unconfirmed).toBe(3);
    expect(present(own.ciliumEndpoints)).toHaveLength(10);
  });

  it('keeps what it knew where the API answers no second time', async () => {
    stub.collections.set(ENDPOINTS, [anEndpoint('left')]);
    const records = await listCniRecords(cluster, { signal });
    stub.fail({ path: 'metadata.name', status: 403 });
    expect(present((await ofNode(records)).ciliumEndpoints).map(({ name }) => name)).toEqual(['left']);
  });

  it('are its blocks of addresses, as they are by now where a pod that it does not have took one', async () => {
    const before = aBlock(
      '10-244-1-0-29',
      '10.244.1.0/29',
      [ofPod('web-1', 'a'), ofPod('gone', 'b')],
      [0, 1],
    );
    const after = aBlock('10-244-1-0-29', '10.244.1.0/29', [ofPod('web-1', 'a')], [0, null]);
    const other = {
      ...before,
      metadata: { name: 'other' },
      spec: {
        ...before.spec,
        affinity: 'host:node-2',
        attributes: [ofPod('far', 'f', 'node-2')],
        cidr: '10.244.2.0/29',
        allocations: [0],
      },
    };
    stub.collections.set(BLOCKS, [before, other]);
    const records = await listCniRecords(cluster, { signal });
    stub.collections.set(BLOCKS, [after, other]);
    const [block, ...more] = present((await ofNode(records)).calicoBlocks);
    expect(more).toEqual([]);
    expect(block?.allocations.map(({ pod }) => pod)).toEqual(['shop/web-1']);
  });

  it('asks again for the block of a pod that took two, as one of a StatefulSet may have left the first', async () => {
    const block = aBlock(
      '10-244-1-0-29',
      '10.244.1.0/29',
      [ofPod('web-1', 'a'), ofPod('web-1', 'b')],
      [0, 1],
    );
    stub.collections.set(BLOCKS, [block]);
    const records = await listCniRecords(cluster, { signal });
    const requests = stub.requests.length;
    await ofNode(records);
    expect(stub.requests.length - requests).toBe(1);
  });
});
