/** The fields of an API object that are kept. */
import { describe, expect, it } from 'vitest';
import { reduceNode } from '../../lib/cluster/reduce.ts';
import { reduceEvent } from '../../lib/cluster/reduce-event.ts';

const nodeInfo = {
  operatingSystem: 'linux',
  architecture: 'amd64',
  kernelVersion: '6.8.0',
  osImage: 'Debian',
  containerRuntimeVersion: 'containerd://2.1.0',
  kubeletVersion: 'v1.34.0',
};
const metadata = { name: 'node-7', uid: 'u', creationTimestamp: '2026-11-01T00:00:00Z' };

it('keeps what agents say of the way to a node, also the address that they chose themselves', () => {
  const said = {
    'projectcalico.org/IPv4Address': '10.1.0.7/24',
    'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.7.0',
    'flannel.alpha.coreos.com/public-ip-overwrite': '203.0.113.7',
  };
  const { annotations } = reduceNode({
    metadata: { ...metadata, annotations: { ...said, other: 'x' } },
    spec: {},
    status: { nodeInfo },
  });
  expect(annotations).toEqual(said);
});

describe('a node whose kubelet writes what it likes about it', () => {
  it.each(['9223372036854775807', '-5', 'many', '1e9', ''])(
    'has no number of pods where it says %j',
    (pods) => {
      const node = reduceNode({ metadata, spec: {}, status: { nodeInfo, allocatable: { pods } } });
      expect(node.maxPods === null || node.maxPods === 1).toBe(true);
    },
  );

  it('keeps the number that a real one says', () => {
    const status = { nodeInfo, allocatable: { pods: '110' } };
    expect(reduceNode({ metadata, spec: {}, status }).maxPods).toBe(110);
  });

  it('takes no more of the list of all nodes than others do', () => {
    const long = 'x'.repeat(500_000);
    const node = reduceNode({
      metadata: { ...metadata, annotations: { 'projectcalico.org/IPv4Address': long } },
      spec: {},
      status: {
        nodeInfo: { ...nodeInfo, osImage: long, kernelVersion: long, containerRuntimeVersion: long },
        conditions: [{ type: 'Ready', status: 'False', message: long }],
        addresses: Array.from({ length: 10_000 }, () => ({
          type: 'InternalIP',
          address: long.slice(0, 5_000),
        })),
      },
    });
    expect(JSON.stringify(node).length).toBeLessThan(100_000);
    expect(node).toMatchObject({ name: 'node-7', os: 'linux', ready: false });
  });
});

describe('an event, which any kubelet may write', () => {
  const event = { reason: 'FailedSync', involvedObject: { kind: 'Pod', name: 'web' } };

  it('has no time where the API prints one that is none', () => {
    expect(
      reduceEvent({
        ...event,
        firstTimestamp: '10000-01-01T23:58:59Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
      }),
    ).toMatchObject({ reason: 'FailedSync', firstSeen: null, lastSeen: '2026-01-01T00:00:00Z' });
  });

  it.each([[{ ...event, count: 1e300 }], [{ ...event, involvedObject: 7 }], [null], ['text'], [{}]])(
    'is left out where it has not the form of one: %j',
    (odd) => {
      expect(reduceEvent(odd)).toBeNull();
    },
  );
});
