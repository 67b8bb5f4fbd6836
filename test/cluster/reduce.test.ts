/** The fields of an API object that are kept. */
import { expect, it } from 'vitest';
import { reduceNode } from '../../lib/cluster/reduce.ts';

it('keeps what agents say of the way to a node, also the address that they chose themselves', () => {
  const said = {
    'projectcalico.org/IPv4Address': '10.1.0.7/24',
    'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.7.0',
    'flannel.alpha.coreos.com/public-ip-overwrite': '203.0.113.7',
  };
  const { annotations } = reduceNode({
    metadata: {
      name: 'node-7',
      uid: 'u',
      creationTimestamp: '2026-11-01T00:00:00Z',
      annotations: { ...said, other: 'x' },
    },
    spec: {},
    status: {
      nodeInfo: {
        operatingSystem: 'linux',
        architecture: 'amd64',
        kernelVersion: '6.8.0',
        osImage: 'Debian',
        containerRuntimeVersion: 'containerd://2.1.0',
        kubeletVersion: 'v1.34.0',
      },
    },
  });
  expect(annotations).toEqual(said);
});
