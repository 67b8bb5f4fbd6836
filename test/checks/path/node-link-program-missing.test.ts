import { describe, expect, it } from 'vitest';
import { nodeLinkProgramMissing } from '../../../lib/checks/path/node-link-program-missing.ts';
import { aHostStack, aLink, aPodNetwork, context, failures } from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';

const HEALTHY = { cilium_host: [1, 1], cilium_net: [1, 0], cilium_vxlan: [1, 1], eth0: [1, 0] } as const;
type Counts = Readonly<Record<string, readonly [comesIn: number, goesOut: number]>>;

function run(counts: Counts, podNetworks = [aCiliumPod().network]) {
  const names = ['eth0', 'cilium_host', 'cilium_net', 'cilium_vxlan'];
  const links = names.map((name, at) => aLink({ name, index: at + 2, peer: null }));
  const attachedPrograms = Object.entries(counts).map(([link, [comesIn, goesOut]]) => ({
    link,
    in: Array.from({ length: comesIn }, () => 'cil_in'),
    out: Array.from({ length: goesOut }, () => 'cil_out'),
  }));
  const hostNetwork = aHostStack({ links });
  return nodeLinkProgramMissing.run(
    { podNetworks, hostNetwork, attachedPrograms, linkPrograms: [] },
    context,
  );
}

describe('node-link-program-missing', () => {
  it('passes a node with all programs that bring packets to pods', () => {
    expect(run(HEALTHY)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds cilium_host without the program for what the node sends', () => {
    const [found] = failures(run({ ...HEALTHY, cilium_host: [1, 0] }));
    expect(found?.detail).toBe(
      'cilium_host has no program (cil_from_host), which brings pods what the node sends or forwards to them.',
    );
    expect(found).toMatchObject({ object: { kind: 'node', name: 'node-1' }, confidence: 'confirmed' });
    expect(found?.remedy.at(-1)?.command).toContain('-l k8s-app=cilium');
  });

  it('finds a tunnel without the program for what comes in, beside the other in one finding', () => {
    const [found, ...more] = failures(run({ ...HEALTHY, cilium_host: [0, 0], cilium_vxlan: [0, 1] }));
    expect(found?.detail).toContain('cil_from_host');
    expect(found?.detail).toContain('cilium_vxlan has no program (cil_from_overlay)');
    expect(more).toEqual([]);
  });

  it.each<[string, Counts]>([
    ['of cilium_net', { cilium_net: [0, 0] }],
    ['of the uplink', { eth0: [0, 0] }],
    ['that only mark packets', { cilium_host: [0, 1], cilium_vxlan: [1, 0] }],
  ])('leaves programs %s, without which packets arrive as before', (_, counts) => {
    expect(run({ ...HEALTHY, ...counts })).toMatchObject([{ result: 'pass' }]);
  });

  it('knows nothing of a link that the kernel said nothing about', () => {
    const { cilium_vxlan: _, ...others } = HEALTHY;
    expect(run(others)).toMatchObject([{ result: 'unknown' }]);
  });

  it('judges no node whose pods are of another plugin, whatever links Cilium left there', () => {
    expect(run({ ...HEALTHY, cilium_host: [0, 0] }, [aPodNetwork()])).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });
});
