import { describe, expect, it } from 'vitest';
import { nodeLinkProgramMissing } from '../../../lib/checks/path/node-link-program-missing.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { aHostStack, aLink, aPodNetwork, context, failures } from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';

const HEALTHY = { cilium_host: [1, 1], cilium_net: [1, 0], cilium_vxlan: [1, 1], eth0: [1, 0] } as const;
type Counts = Readonly<Record<string, readonly [comesIn: number, goesOut: number]>>;

type Pins = Sources['cniConfig']['programPins'];

const CONFIG = {
  ...{ directory: '/etc/cni/net.d', files: [], binaryDirectory: '/opt/cni/bin', binaries: [], unusable: [] },
};

function run(counts: Counts, podNetworks = [aCiliumPod().network], programPins?: Pins) {
  const names = ['eth0', 'cilium_host', 'cilium_net', 'cilium_vxlan'];
  const links = names.map((name, at) => aLink({ name, index: at + 2, peer: null }));
  const attachedPrograms = Object.entries(counts).map(([link, [comesIn, goesOut]]) => ({
    link,
    in: Array.from({ length: comesIn }, () => 'cil_in'),
    out: Array.from({ length: goesOut }, () => 'cil_out'),
  }));
  const hostNetwork = aHostStack({ links });
  return nodeLinkProgramMissing.run(
    {
      ...{ podNetworks, hostNetwork, attachedPrograms, linkPrograms: [] },
      cniConfig: { ...CONFIG, ...(programPins === undefined ? {} : { programPins }) },
    },
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

  describe('of the maps by which programs call each other', () => {
    const withPins = (endpoints: string[], maps: string[]) => run(HEALTHY, undefined, { endpoints, maps });
    const calls = ['cilium_calls_00098', 'cilium_calls_01757'];

    it('finds that all are gone', () => {
      const [found] = failures(withPins(['98', '1757'], []));
      expect(found?.detail).toBe(
        '2 maps by which programs of pods call each other are gone (cilium_calls_00098, cilium_calls_01757), so that they drop what the pods send.',
      );
      expect(found?.evidence[0]).toMatchObject({ what: 'map cilium_calls_00098', actual: 'none' });
    });

    it('finds that one is gone', () => {
      const [found] = failures(withPins(['98', '1757'], ['cilium_lxc', 'cilium_calls_01757']));
      expect(found?.detail).toBe(
        '1 map by which programs of pods call each other is gone (cilium_calls_00098), so that they drop what the pods send.',
      );
    });

    it.each<[string, string[], string[]]>([
      ['are there', ['98', '1757'], ['cilium_lxc', ...calls]],
      ['are in a place of another version', ['98', '1757'], ['cilium_lxc']],
      ['belong to nobody any more', [], calls],
    ])('passes where they %s', (_, endpoints, maps) => {
      expect(withPins(endpoints, maps)).toMatchObject([{ result: 'pass' }]);
    });
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
