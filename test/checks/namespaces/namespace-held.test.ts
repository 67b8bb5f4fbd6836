import { describe, expect, it } from 'vitest';
import { namespaceHeld } from '../../../lib/checks/namespaces/namespace-held.ts';
import type { Holder, NetworkNamespace, ObservedPod } from '../../../lib/model/evidence.ts';
import {
  aHost,
  aLink,
  aLoopback,
  aNamespace,
  aPin,
  aPod,
  aSandbox,
  aStack,
  context,
  failures,
  HOST_NAMESPACE,
} from '../evidence.ts';

const agent: Holder = { pid: 77, command: 'istio-cni', via: 'descriptor', containerId: null, ofPod: false };
const empty = { status: 'present', value: aStack({ links: [aLoopback()] }) } as const;
const wired = {
  status: 'present',
  value: aStack({
    links: [
      aLoopback(),
      aLink({ peer: { status: 'matched', namespace: HOST_NAMESPACE, index: 11, name: 'vethdead' } }),
    ],
  }),
} as const;

function run(changes: Partial<NetworkNamespace>[], sandboxes = [aSandbox()], pods: ObservedPod[] = []) {
  const held = changes.map((change, index) =>
    aNamespace({ inode: 4026533000 + index, pins: [], holders: [agent], stack: empty, ...change }),
  );
  const namespaces = [aNamespace(), ...held];
  const extraPins = held.flatMap(({ inode, pins }) =>
    pins.map((path) =>
      aPin({ path, inode, modifiedAt: pods.length > 0 ? '2026-11-20T01:59:30Z' : '2026-11-19T02:00:00Z' }),
    ),
  );
  const atOnce = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
  return namespaceHeld.run(
    { namespaces, pins: [aPin(), ...extraPins], sandboxes, pods, host: aHost() },
    pods.length > 0 ? atOnce : context,
  );
}

describe('namespace-held', () => {
  it('leaves what a CNI plugin works on to the pod that is being made, even when all is judged at once', () => {
    const held = [
      { pins: ['/run/netns/cni-new'], stack: wired, holders: [{ ...agent, command: 'cilium-cni' }] },
    ];
    const starting = aPod({ name: 'web-2', uid: 'other', phase: 'Pending' });
    expect(failures(run(held, [aSandbox()], [starting]))).toEqual([]);
    expect(failures(run(held, [aSandbox()], [aPod()]))).toHaveLength(1);
  });

  it('passes a node where every namespace is a pod’s', () => {
    expect(run([])).toEqual([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
  });

  it('finds the descriptors that an agent forgot to close, as one finding for the agent', () => {
    const [found, ...more] = failures(run([{}, {}]));
    expect(more).toEqual([]);
    expect(found?.object).toEqual({ kind: 'namespace', name: 'istio-cni', node: 'node-1' });
    expect(found?.detail).toContain('2 network namespaces');
    expect(found?.detail).toContain('istio-cni (pid 77, descriptor)');
    expect(found?.remedy[0]?.command).toBe('head -n 20 /proc/77/cgroup');
  });

  it('is worse while a link of the node still leads there', () => {
    const [found] = failures(run([{ stack: wired }]));
    expect(found).toMatchObject({ severity: 'medium', confidence: 'probable' });
  });

  it('finds a process that outlived its sandbox, by the name of the pin', () => {
    const process: Holder = { ...agent, via: 'process', containerId: 'f'.repeat(64), ofPod: true };
    const [found] = failures(run([{ pins: ['/run/netns/cni-2'], holders: [process], stack: wired }]));
    expect(found?.object).toMatchObject({ name: 'cni-2', path: '/run/netns/cni-2' });
  });

  it.each<[string, Partial<NetworkNamespace>]>([
    ['a systemd service with PrivateNetwork=', { holders: [{ ...agent, via: 'process' }] }],
    [
      'Cilium’s health endpoint',
      { holders: [{ ...agent, via: 'process', command: 'cilium-health-r' }], stack: wired },
    ],
    [
      'a named namespace in use',
      { pins: ['/run/netns/vpn'], holders: [{ ...agent, via: 'process' }], stack: wired },
    ],
    [
      'a podman container',
      { pins: ['/run/netns/netns-1'], holders: [{ ...agent, via: 'process' }], stack: wired },
    ],
    [
      'the sandbox of a browser in a pod',
      { holders: [{ ...agent, via: 'process', containerId: 'c'.repeat(64), ofPod: true }] },
    ],
    [
      'a container of nerdctl beside the pods',
      { holders: [{ ...agent, via: 'process', containerId: 'f'.repeat(64) }], stack: wired },
    ],
    ['the network of podman without root', { holders: [{ ...agent, command: 'slirp4netns' }], stack: wired }],
    ['one that only mounts hold', { holders: [{ ...agent, via: 'mount' }] }],
  ])('leaves %s alone', (_, change) => {
    expect(failures(run([change]))).toEqual([]);
  });

  it.each([
    ['docker', ['/var/run/docker/netns/0123456789ab']],
    ['nerdctl', []],
  ])('leaves a container alone that %s runs beside the pods, and none of a pod', (_, pins) => {
    const container: Holder = { ...agent, via: 'process', containerId: 'f'.repeat(64) };
    const held = { stack: wired, pins };
    expect(failures(run([{ ...held, holders: [container] }]))).toEqual([]);
    expect(failures(run([{ ...held, holders: [{ ...container, ofPod: true }] }]))).toHaveLength(1);
  });

  it('finds an agent that runs as a pod, too', () => {
    expect(failures(run([{ holders: [{ ...agent, containerId: 'c'.repeat(64) }] }]))).toHaveLength(1);
  });

  it('does not know when no sandbox could be read', () => {
    expect(run([{}], [])[0]?.result).toBe('unknown');
  });
});
