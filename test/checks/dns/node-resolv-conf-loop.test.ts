import { describe, expect, it } from 'vitest';
import { nodeResolvConfLoop } from '../../../lib/checks/dns/node-resolv-conf-loop.ts';
import type { PodNetwork, ResolvConf } from '../../../lib/model/evidence.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';
import { aNode } from '../routes/node.ts';
import { aFile, aPodWith } from './files.ts';

const STUB = aFile('127.0.0.53');

function run(
  nodeResolvConf: ResolvConf,
  podNetworks: PodNetwork[] = [aPodNetwork()],
  kubeletVersion = 'v1.36.2',
) {
  return nodeResolvConfLoop.run({ nodeResolvConf, podNetworks, node: aNode({ kubeletVersion }) }, context);
}

describe('node-resolv-conf-loop', () => {
  it('passes a node with servers outside of it, and one with a node-local cache on a link-local address', () => {
    expect(run(aFile('10.0.0.2'))).toMatchObject([{ result: 'pass' }]);
    expect(run(aFile('169.254.20.10'))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds the stub of systemd-resolved', () => {
    const [found] = failures(run(STUB));
    expect(found?.confidence).toBe('probable');
    expect(found?.detail).toContain('nameserver 127.0.0.53');
    expect(found?.remedy.at(-1)?.command).toBe('systemctl restart kubelet');
  });

  it('is sure of it when a pod of dnsPolicy Default got it', () => {
    const coredns = aPodWith(STUB, { namespace: 'kube-system', name: 'coredns-1', dnsPolicy: 'Default' });
    const [found] = failures(run(STUB, [coredns]));
    expect(found?.confidence).toBe('confirmed');
    expect(found?.detail).toContain('as kube-system/coredns-1 shows');
  });

  it('is not applicable when such pods got another file: the kubelet has one of its own', () => {
    const coredns = aPodWith(aFile('10.0.0.2'), { dnsPolicy: 'Default' });
    expect(run(STUB, [coredns])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('is not applicable to k3s, which replaces a loop by itself', () => {
    expect(run(STUB, [], 'v1.33.1+k3s1')).toMatchObject([{ result: 'notApplicable' }]);
  });
});
