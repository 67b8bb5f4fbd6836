import { describe, expect, it } from 'vitest';
import type { CniRecords } from '../../lib/model/cni-records.ts';
import { NO_CNI_RECORDS } from '../../lib/model/cni-records.ts';
import type { Part, PodNetwork } from '../../lib/model/evidence.ts';
import type { Snapshot } from '../../lib/model/kubernetes.ts';
import { calicoIpam, cniEndpointsEvidence } from '../../lib/probe/cni-records-evidence.ts';
import { aCniConfig, aCniConfigFile } from '../checks/cni/evidence.ts';
import { aNode, aPod, aPodNetwork } from '../checks/evidence.ts';

// The node's clock is an hour ahead.
const moment = { nodeTime: '2026-11-20T03:00:00.000Z' };
const forbidden = { status: 'failed', reason: 'not allowed to list it' } as const;

function snapshot(changes: Partial<CniRecords> = {}): Snapshot {
  return {
    takenAt: '2026-11-20T02:00:30.000Z',
    node: aNode({ name: 'node-1', addresses: ['10.0.3.7'] }),
    pods: [],
    events: [],
    cniRecords: { ...NO_CNI_RECORDS, takenAt: '2026-11-20T02:00:00.000Z', ...changes },
  };
}
const attachedBy = (plugin: string, changes: Partial<PodNetwork> = {}): Part<PodNetwork[]> => ({
  status: 'present',
  value: [aPodNetwork({ plugin, ...changes })],
});
const endpoint = {
  namespace: 'shop',
  name: 'web-1',
  podUid: 'uid-1',
  createdAt: '2026-11-19T02:00:02Z',
  node: '10.0.3.7',
  addresses: ['10.244.1.2'],
  state: 'ready',
};

describe('the endpoints of a node', () => {
  it("are Cilium's, listed at a time of the node's own clock", () => {
    const list = { status: 'present' as const, value: [endpoint, { ...endpoint, node: '10.0.3.9' }] };
    expect(
      cniEndpointsEvidence(snapshot({ ciliumEndpoints: list }), attachedBy('cilium-cni'), moment),
    ).toMatchObject({
      status: 'present',
      value: {
        kind: 'cilium',
        listedAt: '2026-11-20T02:59:30.000Z',
        endpoints: [{ elsewhere: null }, { elsewhere: '10.0.3.9' }],
      },
    });
  });

  it('failed where they may not be listed and a pod is of Cilium, and are absent where none is', () => {
    const unread = snapshot({ ciliumEndpoints: forbidden });
    expect(cniEndpointsEvidence(unread, attachedBy('cilium-cni'), moment)).toEqual(forbidden);
    expect(cniEndpointsEvidence(unread, attachedBy('bridge'), moment).status).toBe('absent');
  });

  it("are Calico's annotations of the pods, without another right", () => {
    const annotations = {
      'cni.projectcalico.org/containerID': 'a'.repeat(64),
      'cni.projectcalico.org/podIP': '10.244.1.2/32',
      'cni.projectcalico.org/podIPs': '10.244.1.2/32,fd00::2/128',
    };
    const networks = attachedBy('calico', { pod: aPod({ annotations }) });
    expect(cniEndpointsEvidence(snapshot(), networks, moment)).toMatchObject({
      value: { endpoints: [{ containerId: 'a'.repeat(64), addresses: ['10.244.1.2', 'fd00::2'] }] },
    });
  });
});

describe("Calico's blocks as a store of the node", () => {
  const config = aCniConfig({ files: [aCniConfigFile({ plugins: ['calico'], ipam: ['calico-ipam'] })] });
  const taken = {
    address: '10.244.1.2',
    handle: `k8s-pod-network.${'a'.repeat(64)}`,
    node: 'node-1',
    pod: 'shop/web-1',
    takenAt: '2026-11-19T02:00:01Z',
  };
  const tunnel = { ...taken, address: '10.244.1.0', handle: 'vxlan-tunnel-addr-node-1', pod: null };
  const block = { name: '10-244-1-0-26', cidr: '10.244.1.0/26', node: 'node-1' };
  const listed = (...allocations: (typeof taken | typeof tunnel)[]) =>
    snapshot({ calicoBlocks: { status: 'present', value: [{ ...block, allocations }] } });

  it('have the addresses of pods with their containers, and not those of tunnels', () => {
    expect(calicoIpam(listed(taken, tunnel), config, moment)).toMatchObject([
      {
        kind: 'calico',
        listedAt: '2026-11-20T02:59:30.000Z',
        allocations: [{ address: '10.244.1.2', containerId: 'a'.repeat(64), block: '10-244-1-0-26' }],
      },
    ]);
  });

  it('tell by which other node an address was taken', () => {
    const [store] = calicoIpam(listed({ ...taken, node: 'node-2' }), config, moment);
    expect(store?.allocations).toMatchObject([{ otherNode: 'node-2' }]);
  });

  it('are unread where they may not be listed, and none where another IPAM is in use', () => {
    const unread = snapshot({ calicoBlocks: forbidden });
    expect(calicoIpam(unread, config, moment)).toMatchObject([{ unread: forbidden.reason }]);
    expect(calicoIpam(unread, aCniConfig(), moment)).toEqual([]);
  });
});
