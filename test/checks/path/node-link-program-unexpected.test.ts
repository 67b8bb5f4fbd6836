import { describe, expect, it } from 'vitest';
import { nodeLinkProgramUnexpected } from '../../../lib/checks/path/node-link-program-unexpected.ts';
import type { LinkProgram } from '../../../lib/model/network.ts';
import { aHostStack, aPodNetwork, aRoute, context, failures } from '../evidence.ts';

const aProgram = (link: string, changes: Partial<LinkProgram> = {}): LinkProgram => ({
  ...{ link, place: 'queue', kind: 'netem', priority: 0, name: null, classic: false, drops: null },
  ...changes,
});

const run = (linkPrograms: LinkProgram[], podNetworks = [aPodNetwork()]) =>
  nodeLinkProgramUnexpected.run({ podNetworks, linkPrograms, hostNetwork: aHostStack() }, context);

describe('node-link-program-unexpected', () => {
  it.each(['eth0', 'cni0'])('finds a queue that loses packets on %s, and takes it off', (link) => {
    const [found] = failures(run([aProgram(link)]));
    expect(found?.object).toMatchObject({ kind: 'node' });
    expect(found?.detail).toBe(`${link} of the node has the queue netem, which delays or loses packets.`);
    expect(found?.remedy.at(-1)?.command).toBe(`tc qdisc del dev ${link} root`);
  });

  it('finds it on the tunnel by which a route leads to other nodes', () => {
    const host = aHostStack();
    const [eth0] = host.links;
    if (eth0 === undefined) throw new Error('the node has no link');
    const hostNetwork = {
      ...host,
      links: [...host.links, { ...eth0, index: 9, name: 'flannel.1', kind: 'vxlan' }],
      routes: [
        ...host.routes,
        aRoute({ destination: '10.244.2.0/24', gateway: '10.244.2.0', link: 'flannel.1' }),
      ],
    };
    const found = nodeLinkProgramUnexpected.run(
      { podNetworks: [aPodNetwork()], linkPrograms: [aProgram('flannel.1')], hostNetwork },
      context,
    );
    expect(failures(found)).toHaveLength(1);
  });

  it('finds a filter that drops all that comes in', () => {
    const [found] = failures(
      run([aProgram('eth0', { place: 'in', kind: 'u32', priority: 7, drops: 'all' })]),
    );
    expect(found?.detail).toContain('drops all that comes in');
    expect(found?.remedy.at(-1)?.command).toBe('tc filter del dev eth0 ingress prio 7');
  });

  it.each<[string, LinkProgram]>([
    ['a queue that shares fairly', aProgram('eth0', { kind: 'fq_codel' })],
    ['a limit', aProgram('eth0', { kind: 'tbf' })],
    ['a filter that drops some on purpose', aProgram('eth0', { place: 'in', kind: 'flower', drops: 'some' })],
    ["an agent's program", aProgram('eth0', { place: 'in', kind: 'bpf', name: 'cil_from_netdev' })],
    ['the end of a pod, which is judged with it', aProgram('veth12345678')],
    ['a link that carries nothing of pods', aProgram('docker0')],
  ])('passes %s', (_, program) => {
    expect(run([program])).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable on a node without pods', () => {
    expect(run([aProgram('eth0')], [])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
