import { describe, expect, it } from 'vitest';
import { tunnelSettingsDiffer } from '../../../lib/checks/path/tunnel-settings-differ.ts';
import type { NodeRoutes } from '../../../lib/model/node-routes.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';
import { aNodeOf } from '../node-routes.ts';

type Vxlan = NonNullable<NodeRoutes['vxlans']>[number];
const FLANNEL: Vxlan = { device: 'flannel.1', id: 1, port: 8472 };
const CALICO: Vxlan = { device: 'vxlan.calico', id: 4096, port: 4789 };
const CILIUM: Vxlan = { device: 'cilium_vxlan', id: null, port: 8472 };

const run = (...nodes: Vxlan[][]) =>
  tunnelSettingsDiffer.run(
    clusterSources({ nodeRoutes: nodes.map((vxlans, at) => aNodeOf(at + 1, [], { vxlans })) }),
    context,
  );
const results = (...nodes: Vxlan[][]) => run(...nodes).map(({ result }) => result);

describe('tunnel-settings-differ', () => {
  it.each([
    ['flannel', FLANNEL],
    ['Calico', CALICO],
    ['Cilium', CILIUM],
  ])('passes nodes whose tunnels of %s are alike, and names the one that differs', (_, vxlan) => {
    expect(results([vxlan], [vxlan], [vxlan])).toEqual(['pass', 'pass', 'pass']);
    const found = failures(run([vxlan], [{ ...vxlan, port: 4790 }], [vxlan]));
    expect(found.map(({ object }) => object)).toEqual([{ kind: 'node', name: 'node-2' }]);
    expect(found[0]?.detail).toContain('UDP port 4790; those of 2 other nodes have');
    expect(found[0]?.remedy.at(-2)?.command).toBe(`ip link del ${vxlan.device}`);
    expect(found[0]?.remedy.at(-1)?.command).toContain('spec.nodeName=node-2');
  });

  it('finds another VNI, which is in the name of the device of flannel', () => {
    expect(failures(run([FLANNEL], [FLANNEL], [{ ...FLANNEL, device: 'flannel.7', id: 7 }]))[0]?.detail).toBe(
      'flannel.7 of node-3 has VNI 7, UDP port 8472; those of 2 other nodes have VNI 1, UDP port 8472.',
    );
  });

  it('of two nodes believes the one that has what the agent does unless it is told otherwise', () => {
    expect(results([{ ...FLANNEL, port: 4789 }], [FLANNEL])).toEqual(['fail', 'pass']);
    expect(results([{ ...FLANNEL, port: 4789 }], [{ ...FLANNEL, port: 4790 }])).toEqual([
      'unknown',
      'unknown',
    ]);
    expect(results([{ ...FLANNEL, port: 4789 }], [{ ...FLANNEL, port: 4789 }])).toEqual(['pass', 'pass']);
  });

  it('leaves other devices alone, different plugins, a single node and one with two such devices', () => {
    expect(results([{ device: 'vx0', id: 3, port: 4789 }], [{ device: 'vx0', id: 4, port: 4789 }])).toEqual(
      [],
    );
    expect(results([FLANNEL], [CALICO])).toEqual([]);
    expect(results([FLANNEL], [])).toEqual([]);
    expect(results([FLANNEL], [FLANNEL, { ...FLANNEL, device: 'flannel.2', id: 2 }], [FLANNEL])).toEqual([
      'pass',
      'pass',
    ]);
  });
});
