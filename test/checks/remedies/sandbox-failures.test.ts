import { describe, expect, it } from 'vitest';
import { explainSandboxFailure } from '../../../lib/checks/remedies/sandbox-failures.ts';

const where = { node: 'node-1', namespace: 'shop', pod: 'web-1' };

describe('explainSandboxFailure', () => {
  it.each([
    [
      'aws-no-address',
      'plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
    ],
    [
      'ipamd-unreachable',
      'plugin type="aws-cni" failed (add): add cmd: Error received from AddNetwork gRPC call: rpc error: connection refused',
    ],
    [
      'namespace-not-created',
      'failed to create network namespace for sandbox "abc": no space left on device',
    ],
    [
      'range-exhausted',
      'failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254',
    ],
    [
      'bridge-address-stale',
      'failed to set bridge addr: "cni0" already has an IP address different from 10.244.2.1/24',
    ],
    [
      'route-of-another-pod',
      "route (Ifindex: 9, Dst: 10.0.0.1/32, Scope: link) already exists for an interface other than 'cali123'",
    ],
    ['veth-left-behind', 'container veth name ("eth0") peer provided ("veth1") already exists'],
    ['veth-left-behind', 'failed to move veth to host netns: file exists'],
    ['pause-died', 'failed to Statfs "/proc/123/ns/net": no such file or directory'],
    ['pin-not-a-namespace', 'unknown FS magic on "/var/run/netns/cni-1": 1021994'],
    [
      'name-reserved',
      'failed to reserve sandbox name "web-1_shop_1": name "web-1_shop_1" is reserved for "abc"',
    ],
    ['no-network-info', 'failed to find network info for sandbox "abc"'],
    ['no-cni-configuration', 'failed to setup network for sandbox "abc": cni plugin not initialized'],
    [
      'plugin-not-installed',
      'failed to setup network for sandbox "abc": plugin type="x" failed (add): failed to find plugin "istio-cni" in path [/opt/cni/bin]',
    ],
    ['network-policy-agent', 'failed to setup network policy'],
    [
      'pin-busy',
      'check network namespace closed: remove netns: unlinkat /var/run/netns/cni-1: device or resource busy',
    ],
    ['pause-image', 'failed to get sandbox image "registry.k8s.io/pause:3.9": failed to pull image'],
    ['no-runtime-handler', 'no runtime for "kata" is configured'],
    [
      'teardown-failing',
      'failed to "KillPodSandbox" for "x": failed to destroy network for sandbox "abc": plugin type="cilium-cni" failed (delete): refused',
    ],
    [
      'setup-failing',
      'failed to setup network for sandbox "abc": plugin type="calico" failed (add): error getting ClusterInformation',
    ],
    ['setup-failing', 'networkPlugin cni failed to set up pod "web-1_shop" network: dial tcp: refused'],
    [
      'setup-failing',
      'failed to create pod network sandbox k8s_web-1_shop: error adding pod shop_web-1 to CNI network "multus-cni-network": CNI request failed with status 400',
    ],
    ['teardown-failing', 'networkPlugin cni failed to teardown pod "web-1_shop" network: refused'],
    [
      'teardown-failing',
      'failed to destroy network for pod sandbox k8s_web-1_shop: error removing pod shop_web-1 from CNI network "lab": refused',
    ],
    ['no-cni-configuration', 'docker: network plugin is not ready: cni config uninitialized'],
    ['runtime-stuck', 'rpc error: code = DeadlineExceeded desc = context deadline exceeded'],
    ['other', 'something else'],
  ])('%s: %s', (id, message) => {
    const explained = explainSandboxFailure(message, where);
    expect(explained.id).toBe(id);
    expect(explained.remedy.length).toBeGreaterThan(0);
  });

  it('names the plugin, in one printable line', () => {
    expect(
      explainSandboxFailure('failed to find plugin "istio\u001b[31m" in path [/opt/cni/bin]', where).cause,
    ).toBe('the CNI plugin istio [31m is not installed on the node');
  });

  it('reads only so much of a message', () => {
    expect(explainSandboxFailure(`${'x'.repeat(10_000)} cni plugin not initialized`, where).id).toBe('other');
  });

  it('never prescribes what makes it worse', () => {
    for (const message of [
      'no IP addresses available in range set',
      'unknown FS magic on',
      'device or resource busy',
    ]) {
      const commands = explainSandboxFailure(message, where)
        .remedy.map((step) => step.command ?? '')
        .join('\n');
      expect(commands).not.toMatch(/rm -rf|umount|ip link add/);
    }
  });
});
