import { describe, expect, it } from 'vitest';
import { awsRuleMissing } from '../../../lib/checks/aws/aws-rule-missing.ts';
import { podUnroutedInbound } from '../../../lib/checks/path/pod-unrouted-inbound.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { aKernel, aPod, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod } from '../layouts.ts';
import { aWay, waysOf } from '../ways.ts';
import { aPodOfEni, fromPod, POD, ruled, toPod } from './node.ts';

const run = (networks: readonly Attached['network'][], host: NetworkStack) =>
  awsRuleMissing.run({ podNetworks: [...networks], hostNetwork: host }, context);

describe('aws-rule-missing', () => {
  it.each([
    ['of the second ENI', 2],
    ['of the first ENI, which needs no rule 1536', 254],
    ['of the first ENI, as older versions number it', 1],
    ['whose result does not say', null],
  ])('passes a healthy pod %s', (_, table) => {
    const { network, host, rules } = aPodOfEni(table);
    expect(run([network], ruled(host, rules)).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('finds that rule 1536 is gone, says that it is one-way, and puts it back', () => {
    const { network, host, rules } = aPodOfEni();
    const [found, ...more] = failures(
      run(
        [network],
        ruled(
          host,
          rules.filter(({ priority }) => priority !== 1536),
        ),
      ),
    );
    expect(more).toEqual([]);
    expect(found?.severity ?? awsRuleMissing.severity).toBe('critical');
    expect(found?.detail).toBe(
      'There is no rule 1536 from 10.0.3.99 to table 2, that of its ENI: what web-1 sends leaves by the wrong ENI. One-way: what is sent to it still arrives.',
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip -4 rule add from 10.0.3.99/32 lookup 2 priority 1536',
    ]);
  });

  it('reads the ENI as versions before 1.20 note it', () => {
    const { network, host, rules } = aPodOfEni(null);
    const results = network.results.map((result) => ({
      ...result,
      interfaces: [...result.interfaces, { name: 'dummy0a1b2c3d4e5', mac: '0', inPod: true, device: 2 }],
    }));
    const [found] = failures(run([{ ...network, results }], ruled(host, [...rules, fromPod()])));
    expect(found?.detail).toContain('from 10.0.3.99 to table 3');
    expect(found?.detail).toContain('A rule leads to table 2 instead.');
  });

  it('finds that rule 512 is gone, which explains what the kernel answers', () => {
    const { network, host, rules } = aPodOfEni();
    const without = ruled(
      host,
      rules.filter(({ priority }) => priority !== 512),
    );
    const [found] = failures(run([network], without));
    expect(found?.severity).toBe('high');
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip -4 rule add to 10.0.3.99/32 lookup main priority 512',
    ]);
    const lost = aWay({ destination: POD, source: '10.0.3.98', inputLink: 'eni9', link: 'eth1', table: '2' });
    const routing = [...waysOf(network), lost];
    expect(
      podUnroutedInbound.run(
        { podNetworks: [network], hostNetwork: without, routing, kernel: aKernel(), hostPacketFilters: [] },
        context,
      )[0],
    ).toMatchObject({ result: 'notApplicable', reason: expect.stringContaining('aws-rule-missing') });
  });

  it('is one finding of the node where the rules of most pods were flushed', () => {
    const { network, host, rules } = aPodOfEni();
    const pods = [1, 2, 3, 4].map((number) => ({
      ...network,
      pod: aPod({ name: `web-${number}`, uid: `uid-${number}`, podIPs: [`10.0.3.${100 + number}`] }),
    }));
    const own = rules.filter(({ priority }) => priority !== 512 && priority !== 1536);
    const [found, ...more] = failures(
      run(pods, ruled(host, [...own, toPod('10.0.3.101'), fromPod('10.0.3.101')])),
    );
    expect(more).toEqual([]);
    expect(found?.object).toMatchObject({ kind: 'node' });
    expect(found?.detail).toContain('3 of 4 pods lack routing rules of theirs');
    expect(found?.remedy.filter(({ purpose }) => purpose === 'repair')).toHaveLength(6);
  });

  it('does not judge other plugins, and leaves branch ENIs to their check', () => {
    const { network, host } = aBridgePod();
    expect(run([network], host)).toMatchObject([{ result: 'notApplicable' }, { result: 'notApplicable' }]);
    const branch = aPodOfEni();
    const hostLink = branch.network.hostLink && { ...branch.network.hostLink, name: 'vlan0a1b2c3d4e5' };
    expect(run([{ ...branch.network, hostLink }], branch.host)[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('aws-vlan-missing'),
    });
  });
});
