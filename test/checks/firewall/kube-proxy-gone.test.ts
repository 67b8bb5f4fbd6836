import { describe, expect, it } from 'vitest';
import { kubeProxyGone } from '../../../lib/checks/firewall/kube-proxy-gone.ts';
import { serviceProxyOf } from '../../../lib/computed/firewall/service-rules.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import type { NodeRoutes } from '../../../lib/model/node-routes.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';
import { aNodeOf } from '../node-routes.ts';

const run = (...proxies: NodeRoutes['serviceProxy'][]) =>
  kubeProxyGone.run(
    clusterSources({
      nodeRoutes: proxies.map((serviceProxy, at) => aNodeOf(at + 1, [], { serviceProxy })),
    }),
    context,
  );
const results = (...proxies: NodeRoutes['serviceProxy'][]) => run(...proxies).map(({ result }) => result);

describe('kube-proxy-gone', () => {
  it('names the node on which it left its rules, while it runs on others', () => {
    expect(results('runs', 'runs')).toEqual(['pass', 'pass']);
    const found = failures(run('runs', 'gone', 'runs'));
    expect(found.map(({ object }) => object)).toEqual([{ kind: 'node', name: 'node-2' }]);
    expect(found[0]?.detail).toBe(
      'kube-proxy has rules on node-2, and no process of it runs there; it runs on 2 other nodes.',
    );
    expect(results('runs', 'gone')).toEqual(['pass', 'fail']);
  });

  it('does not know where it left most nodes, and is silent where it left all or was never', () => {
    expect(results('runs', 'gone', 'gone')).toEqual(['pass', 'unknown', 'unknown']);
    expect(results('gone', 'gone')).toEqual(['notApplicable', 'notApplicable']);
    expect(results('runs', null, undefined)).toEqual(['pass', 'notApplicable', 'notApplicable']);
  });
});

describe('whether kube-proxy runs', () => {
  const filter = (backend: PacketFilter['backend'], table: string, chain: string): PacketFilter => ({
    backend,
    tables: [{ name: table, chains: [{ name: chain, hook: null, policy: null, rules: ['-j ACCEPT'] }] }],
  });
  const iptables = filter('iptables-legacy', 'nat', 'KUBE-SERVICES');
  const of = (filters: PacketFilter[], ...commands: string[]) =>
    serviceProxyOf(
      filters,
      commands.map((command, pid) => ({
        ...{ pid, command, networkNamespace: null, pidNamespace: null, containerId: null },
      })),
    );

  it('is told by its process beside its rules, in both of its modes', () => {
    for (const rules of [iptables, filter('nftables', 'ip kube-proxy', 'services')]) {
      expect(of([rules], 'kubelet', 'kube-proxy')).toBe('runs');
      expect(of([rules], 'k3s-agent')).toBe('runs');
      expect(of([rules], 'kubelet')).toBe('gone');
    }
  });

  it('is not told by a process of a pod', () => {
    const ofPod = { pid: 7, networkNamespace: null, pidNamespace: null, containerId: 'a'.repeat(64) };
    expect(serviceProxyOf([iptables], [{ ...ofPod, command: 'k3s-server' }])).toBe('gone');
    expect(serviceProxyOf([iptables], [{ ...ofPod, command: 'kube-proxy' }])).toBe('runs');
  });

  it('is not asked without its rules, and where another agent may have replaced it', () => {
    expect(of([filter('iptables-legacy', 'nat', 'DOCKER')], 'kubelet')).toBe(null);
    for (const agent of ['cilium-agent', 'kube-router', 'antrea-agent'])
      expect(of([iptables], agent)).toBe(null);
  });
});
