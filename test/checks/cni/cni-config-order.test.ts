import { describe, expect, it } from 'vitest';
import { cniConfigOrder } from '../../../lib/checks/cni/cni-config-order.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { aCniResult, aPodNetwork, context, failures } from '../evidence.ts';
import { aCniConfig, aCniConfigFile, aNode } from './evidence.ts';

const podOn = (network: string): PodNetwork => aPodNetwork({ results: [aCniResult({ network })] });
const stranger = aCniConfigFile({ name: '00-other.conf', network: 'other', plugins: ['ptp'] });
const both = [aCniConfigFile(), stranger];

const run = (
  files = both,
  podNetworks = [podOn('lab'), podOn('lab')],
  containerRuntime = 'containerd://1.7.27',
) =>
  cniConfigOrder.run(
    { cniConfig: aCniConfig({ files }), podNetworks, node: aNode({ containerRuntime }) },
    context,
  );

describe('cni-config-order', () => {
  it('passes a node with one configuration', () => {
    expect(run([aCniConfigFile()])[0]?.result).toBe('pass');
  });

  it('finds another file that comes before that of the running pods', () => {
    const [found] = failures(run());
    expect(found?.detail).toBe(
      'New pods get the network other of 00-other.conf, as it comes first by name; 2 running pods have lab.',
    );
    expect(found?.evidence[0]?.actual).toBe('00-other.conf (other), 10-lab.conflist (lab)');
    expect(found?.remedy.map((step) => step.command)).toEqual([
      'ls -l /etc/cni/net.d',
      'mv /etc/cni/net.d/00-other.conf /root/00-other.conf.unused',
    ]);
  });

  it('does not mind a file that comes later, or that the runtime cannot load', () => {
    expect(run([aCniConfigFile(), { ...stranger, name: '20-other.conf' }])[0]?.result).toBe('pass');
    expect(run([aCniConfigFile(), { ...stranger, error: 'not JSON' }])[0]?.result).toBe('pass');
  });

  it('takes a network that some pods have already for a change on purpose', () => {
    expect(run(both, [podOn('lab'), podOn('other')])[0]?.result).toBe('pass');
  });

  it('says nothing without a pod to compare with, nor where the runtime chooses by name', () => {
    expect(run(both, [])[0]?.result).toBe('pass');
    expect(run(both, [podOn('lab')], 'cri-o://1.33.0')[0]?.result).toBe('notApplicable');
  });
});
