import { describe, expect, it } from 'vitest';
import { linkProgramUnexpected } from '../../../lib/checks/path/link-program-unexpected.ts';
import type { LinkProgram } from '../../../lib/model/network.ts';
import { aHostLink, aLink, aPod, aPodNetwork, aStack, context, failures } from '../evidence.ts';

const LINK = 'veth12345678';

function aFilter(changes: Partial<LinkProgram> = {}): LinkProgram {
  return {
    link: LINK,
    place: 'in',
    kind: 'bpf',
    priority: 1,
    name: null,
    classic: false,
    drops: null,
    ...changes,
  };
}

const queue = (kind: string, link = LINK) => aFilter({ place: 'queue', kind, priority: 0, link });

const run = (...linkPrograms: LinkProgram[]) =>
  linkProgramUnexpected.run({ podNetworks: [aPodNetwork()], linkPrograms }, context);

describe('link-program-unexpected', () => {
  it('finds a program of classic BPF that drops all that the pod sends', () => {
    const [found] = failures(run(aFilter({ classic: true, drops: 'all' })));
    expect(found?.detail).toBe(
      `${LINK}, the node's end of the pod's link, has a filter bpf (classic BPF) of priority 1 that drops all that the pod sends.`,
    );
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'pod', name: 'web-1' } });
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      `tc filter show dev ${LINK} ingress`,
      `tc filter del dev ${LINK} ingress prio 1`,
    ]);
  });

  it('finds a filter that drops some of what is sent to the pod', () => {
    const [found] = failures(run(aFilter({ kind: 'u32', place: 'out', drops: 'some', priority: 49152 })));
    expect(found?.detail).toContain('drops some of what is sent to the pod');
    expect(found?.remedy.at(-1)?.command).toBe(`tc filter del dev ${LINK} egress prio 49152`);
  });

  it('finds a queue that delays or loses packets', () => {
    const [found] = failures(run(queue('netem')));
    expect(found?.detail).toContain('the queue netem, which delays or loses packets');
    expect(found?.remedy.at(-1)?.command).toBe(`tc qdisc del dev ${LINK} root`);
  });

  it.each<[string, LinkProgram]>([
    ["an agent's program of eBPF", aFilter({ name: 'cil_from_container-lxc1' })],
    ['the limit of a bandwidth plugin', queue('tbf')],
    ['its filter that leads to another link', aFilter({ kind: 'u32' })],
    ['no queue', queue('noqueue')],
    ['what stands on another link', queue('netem', 'eth0')],
  ])('passes %s', (_, program) => {
    expect(run(program)).toMatchObject([{ result: 'pass' }]);
  });

  it("leaves a filter to which no packet gets, as Cilium's program decides before it", () => {
    const drops = aFilter({ classic: true, drops: 'all' });
    expect(run({ ...drops, behind: 'cil_from_contai' })).toMatchObject([{ result: 'pass' }]);
    expect(failures(run({ ...drops, behind: 'observer' }))).toHaveLength(1);
  });

  const withXdp = (at: 'link' | 'hostLink', name: string | null, pod: Parameters<typeof aPod>[0] = {}) => {
    const xdp = { mode: 'generic', name } as const;
    const ends = at === 'link' ? { link: aLink({ xdp }) } : { hostLink: aHostLink({ xdp }) };
    const podNetworks = [aPodNetwork({ ...ends, pod: aPod(pod) })];
    return linkProgramUnexpected.run({ podNetworks, linkPrograms: [] }, context);
  };

  it("finds a program of XDP on the node's end, and takes it off in the mode in which it is there", () => {
    const [found] = failures(withXdp('hostLink', 'drop5'));
    expect(found?.detail).toContain('has an XDP program (drop5), which sees all that the pod sends');
    expect(found?.remedy.at(-1)?.command).toBe(`ip link set dev ${LINK} xdpgeneric off`);
  });

  it("finds one on the pod's end, unless the pod may load it itself or Kmesh does", () => {
    expect(failures(withXdp('link', null))[0]?.detail).toContain('eth0 of the pod has an XDP program');
    const [container] = aPod().containers;
    const mayLoad = { containers: container === undefined ? [] : [{ ...container, netAdmin: true }] };
    expect(withXdp('link', null, mayLoad)).toMatchObject([{ result: 'pass' }]);
    const kmesh = { annotations: { 'kmesh.net/redirection': 'enabled' } };
    expect(withXdp('link', null, kmesh)).toMatchObject([{ result: 'pass' }]);
  });

  it("finds a queue that loses packets on the pod's own end, unless the pod may set one itself", () => {
    const on = (queue: string, netAdmin = false) => {
      const containers = aPod().containers.map((container) => ({ ...container, netAdmin }));
      const podNetworks = [aPodNetwork({ link: aLink({ queue }), pod: aPod({ containers }) })];
      return linkProgramUnexpected.run({ podNetworks, linkPrograms: [] }, context);
    };
    const [found] = failures(on('netem'));
    expect(found?.detail).toContain('eth0 of the pod has the queue netem, which delays or loses packets');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
    expect(on('netem', true)).toMatchObject([{ result: 'pass' }]);
    expect(on('tbf')).toMatchObject([{ result: 'pass' }]);
  });

  it("finds a filter that drops on the pod's own end, unless the pod may add one itself", () => {
    const drops = aFilter({ link: 'eth0', place: 'out', classic: true, drops: 'all' });
    const on = (program: LinkProgram, netAdmin = false) => {
      const containers = aPod().containers.map((container) => ({ ...container, netAdmin }));
      const stack = aStack({ programs: [program] });
      const podNetworks = [aPodNetwork({ stack, pod: aPod({ containers }) })];
      return linkProgramUnexpected.run({ podNetworks, linkPrograms: [] }, context);
    };
    const [found] = failures(on(drops));
    expect(found?.detail).toBe(
      'eth0 of the pod has a filter bpf (classic BPF) of priority 1 that drops all that the pod sends; no container of the pod may add one.',
    );
    expect(found?.evidence[0]?.source).toMatch(/^tc filter show dev eth0 egress \(netns \d+\)$/);
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
    expect(failures(on({ ...drops, place: 'in' }))[0]?.detail).toContain('drops all that is sent to the pod');
    expect(on(drops, true)).toMatchObject([{ result: 'pass' }]);
    expect(on({ ...drops, link: 'net1' })).toMatchObject([{ result: 'pass' }]);
    expect(on(aFilter({ link: 'eth0', name: 'cil_to_container' }))).toMatchObject([{ result: 'pass' }]);
  });

  it.each(['cil_xdp_entry', 'cali_xdp_accept'])('leaves %s to its agent', (name) => {
    expect(withXdp('hostLink', name)).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge a pod whose link on the node could not be determined', () => {
    const podNetworks = [aPodNetwork({ hostLink: null })];
    expect(linkProgramUnexpected.run({ podNetworks, linkPrograms: [] }, context)).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });
});
