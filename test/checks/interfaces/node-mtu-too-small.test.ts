import { describe, expect, it } from 'vitest';
import { nodeMtuTooSmall } from '../../../lib/checks/interfaces/node-mtu-too-small.ts';
import { aCniConfig, aCniConfigFile } from '../cni/evidence.ts';
import {
  aHostLink,
  aHostStack,
  aLink,
  aNode,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';

const flannel = {
  'flannel.alpha.coreos.com/backend-type': 'vxlan',
  'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:01"}',
};

const pods = [aPodNetwork(), aPodNetwork({ pod: aPod({ name: 'web-2' }) })];

/** The node with an uplink of that MTU. */
function aHostOf(mtu: number) {
  const host = aHostStack();
  return aHostStack({ links: host.links.map((link) => (link.name === 'eth0' ? { ...link, mtu } : link)) });
}

const run = (hostNetwork = aHostStack(), podNetworks = pods, cniConfig = aCniConfig()) =>
  nodeMtuTooSmall.run(
    { hostNetwork, podNetworks, cniConfig, node: aNode({ annotations: flannel }) },
    context,
  );

const configuredWith = (mtu: number) => aCniConfig({ files: [aCniConfigFile({ mtu })] });

describe('node-mtu-too-small', () => {
  it('passes an uplink that takes what pods send, and a larger one', () => {
    expect(run()[0]?.result).toBe('pass');
    expect(run(aHostOf(9001))[0]?.result).toBe('pass');
  });

  it('names the uplink once, with all pods, and says how to raise it', () => {
    const found = failures(run(aHostOf(1400)));
    expect(found).toHaveLength(1);
    expect(found[0]?.object).toMatchObject({ kind: 'node' });
    expect(found[0]?.detail).toMatch(
      /^The uplink eth0 has MTU 1400, but all 2 pods of the node send packets of up to 1500: /,
    );
    expect(found[0]?.detail).toContain('web-2');
    expect(found[0]?.remedy.map(({ command }) => command)).toContain('ip link set dev eth0 mtu 1500');
  });

  it('says that the uplink is too small where the configuration of the plugin asks for more as well', () => {
    expect(failures(run(aHostOf(1400), pods, configuredWith(1450)))).toHaveLength(1);
  });

  it('leaves pods from before to pod-mtu-mismatch, where new ones fit', () => {
    const small = aPodNetwork({ link: aLink({ mtu: 1400 }), hostLink: aHostLink({ mtu: 1400 }) });
    expect(run(aHostOf(1400), [...pods, small])[0]?.result).toBe('pass');
    expect(run(aHostOf(1400), pods, configuredWith(1400))[0]?.result).toBe('pass');
  });

  it('goes by what gets out of the pod: the lower MTU of its route, or of the end on the node', () => {
    const onRoute = aPodNetwork({ stack: aStack({ routes: [aRoute({ mtu: 1350 })] }) });
    expect(run(aHostOf(1400), [onRoute])[0]?.result).toBe('pass');
    const wide = aPodNetwork({ link: aLink({ mtu: 9500 }) });
    expect(run(aHostStack(), [wide])[0]?.result).toBe('pass');
  });

  it('says nothing of a node without pods, or without a known uplink', () => {
    expect(run(aHostOf(1400), [])[0]?.result).toBe('notApplicable');
    expect(run(aHostStack({ routes: [] }))[0]?.result).toBe('notApplicable');
  });

  it('names the tunnel to other nodes if that takes less, as Cilium drops what is larger', () => {
    const withTunnel = (mtu: number) => {
      const host = aHostStack();
      const tunnel = aLink({ index: 9, name: 'flannel.1', kind: 'vxlan', peer: null, mtu });
      return { ...host, links: [...host.links, tunnel] };
    };
    const [found] = failures(run(withTunnel(1250)));
    expect(found?.detail).toMatch(
      /^The tunnel flannel\.1 has MTU 1250, but all 2 pods of the node send packets of up to 1500: /,
    );
    expect(found?.remedy.at(-1)?.command).toBe('ip link set dev flannel.1 mtu 1500');
    expect(run(withTunnel(1500))[0]?.result).toBe('pass');
    expect(run(withTunnel(1450), pods, configuredWith(1450))[0]?.result).toBe('pass');
  });
});
