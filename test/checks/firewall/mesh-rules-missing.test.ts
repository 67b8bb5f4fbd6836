import { describe, expect, it } from 'vitest';
import { meshRulesMissing } from '../../../lib/checks/firewall/mesh-rules-missing.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aPod, aStack, context, failures } from '../evidence.ts';
import { aFilter, istioSidecar, linkerd, withFilters } from './filters.ts';

const run = (...podNetworks: PodNetwork[]) => meshRulesMissing.run({ podNetworks }, context);
const results = (...podNetworks: PodNetwork[]) => run(...podNetworks).map(({ result }) => result);

/** A pod with these containers besides its own; `init:NAME` is an init container, `sidecar:NAME` a native sidecar. */
function pod(
  name: string,
  containers: readonly string[],
  changes: { filters?: PacketFilter[]; annotations?: Record<string, string>; netAdmin?: boolean } = {},
): PodNetwork {
  const [main] = aPod().containers;
  if (main === undefined) throw new Error('a pod has a container');
  return withFilters(changes.filters ?? [], {
    pod: aPod({
      name,
      annotations: changes.annotations ?? {},
      containers: [
        { ...main, netAdmin: changes.netAdmin ?? false },
        ...containers.map((one) => {
          const [role, own] = one.includes(':') ? one.split(':') : ['app', one];
          return { ...main, name: own ?? '', role: role as 'app' | 'init' | 'sidecar' };
        }),
      ],
    }),
  });
}

const sidecar = ['istio-proxy', 'init:istio-init'];
const ambient = { 'ambient.istio.io/redirection': 'enabled' };
const nat = (rules: Record<string, string[]>) =>
  aFilter(
    'iptables-legacy',
    'nat',
    Object.fromEntries(
      Object.entries(rules).map(([name, list]) => [name, { hook: name.toLowerCase(), rules: list }]),
    ),
  );
const ambientRules = nat({
  PREROUTING: ['-A PREROUTING -j ISTIO_PRERT'],
  OUTPUT: ['-A OUTPUT -j ISTIO_OUTPUT'],
});

describe('mesh-rules-missing', () => {
  it('passes pods whose packets go to the proxy, with sidecars of either kind, with ambient and with Linkerd', () => {
    const filters = [istioSidecar];
    expect(
      results(
        pod('a', sidecar, { filters }),
        pod('b', ['sidecar:istio-proxy', 'init:istio-validation'], { filters }),
        pod('c', [], { annotations: ambient, filters: [ambientRules] }),
        pod('d', ['linkerd-proxy', 'init:linkerd-init'], { filters: [linkerd] }),
        pod('e', ['sidecar:linkerd-proxy'], { filters: [linkerd] }),
      ),
    ).toEqual(['pass', 'pass', 'pass', 'pass', 'pass']);
  });

  it('passes the rules that Istio writes with nftables', () => {
    const filters = [
      aFilter('nftables', 'inet istio-ambient-nat', {
        prerouting: { hook: 'prerouting', rules: ['jump istio-prerouting'] },
        output: { hook: 'output', rules: ['jump istio-output'] },
      }),
    ];
    expect(results(pod('a', [], { annotations: ambient, filters }))).toEqual(['pass']);
  });

  it('finds the pod that has lost its rules beside one that has them, and has it made anew', () => {
    const [found, ...more] = failures(
      run(
        pod('whole', [], { annotations: ambient, filters: [ambientRules] }),
        pod('lost', [], { annotations: ambient, filters: [] }),
      ),
    );
    expect(more).toEqual([]);
    expect(found).toMatchObject({ object: { kind: 'pod', name: 'lost' }, confidence: 'confirmed' });
    expect(found?.detail).toContain('enrolled in Istio (ambient)');
    expect(found?.detail).toContain('what comes in and goes out; in pod shop/whole');
    expect(found?.remedy.map(({ command }) => command)).toContain('kubectl delete pod -n shop lost');
  });

  it('finds a flushed nat table though rules in mangle and empty chains are left', () => {
    const left = [
      aFilter('iptables-legacy', 'mangle', {
        OUTPUT: { hook: 'output', rules: ['-A OUTPUT -j ISTIO_OUTPUT'] },
      }),
      aFilter('iptables-legacy', 'nat', {
        OUTPUT: { hook: 'output', rules: [] },
        ISTIO_OUTPUT: { rules: [] },
      }),
    ];
    expect(
      results(
        pod('whole', [], { annotations: ambient, filters: [ambientRules] }),
        pod('lost', [], { annotations: ambient, filters: left }),
      ),
    ).toEqual(['pass', 'fail']);
  });

  it('finds one direction that is gone, but not one that annotations take out of the mesh', () => {
    const outOnly = [nat({ OUTPUT: ['-A OUTPUT -j ISTIO_OUTPUT'] })];
    const inOnly = [nat({ PREROUTING: ['-A PREROUTING -j ISTIO_INBOUND'] })];
    const whole = pod('whole', sidecar, { filters: [istioSidecar] });
    const exempted = { 'traffic.sidecar.istio.io/includeInboundPorts': '' };
    expect(results(whole, pod('a', sidecar, { filters: outOnly, annotations: exempted }))).toEqual([
      'pass',
      'pass',
    ]);
    const found = failures(
      run(whole, pod('a', sidecar, { filters: outOnly }), pod('b', sidecar, { filters: inOnly })),
    );
    expect(found.map(({ detail }) => /redirects what (.*);/.exec(detail)?.[1])).toEqual([
      'comes in',
      'goes out',
    ]);
  });

  it('is less sure of a pod that may have changed the rules itself', () => {
    const whole = pod('whole', sidecar, { filters: [istioSidecar] });
    expect(failures(run(whole, pod('vpn', sidecar, { netAdmin: true })))[0]).toMatchObject({
      confidence: 'probable',
      detail: expect.stringContaining('may change the network'),
    });
  });

  it('takes what all pods of the node lack for a fault of the node, or of no one', () => {
    const lost = ['a', 'b', 'c', 'd'].map((name) => pod(name, [], { annotations: ambient }));
    const [found, ...more] = failures(run(...lost));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ object: { kind: 'node' }, confidence: 'suspected' });
    expect(found?.detail).toContain('4 pods of this node are enrolled');
    expect(found?.remedy.map(({ command }) => command ?? '').join()).toContain('k8s-app=istio-cni-node');
    expect(failures(run(...lost.slice(0, 1)))[0]).toMatchObject({
      object: { kind: 'pod' },
      severity: 'medium',
    });
  });

  it('leaves meshes alone that may redirect otherwise, where no pod has rules', () => {
    expect(results(pod('a', ['kuma-sidecar']), pod('b', ['kuma-sidecar']))).toEqual([
      'notApplicable',
      'notApplicable',
    ]);
    const consul = { 'consul.hashicorp.com/transparent-proxy-status': 'enabled' };
    const filters = [nat({ OUTPUT: ['-A OUTPUT -p tcp -j CONSUL_PROXY_OUTPUT'] })];
    expect(
      results(pod('a', [], { annotations: consul, filters }), pod('b', [], { annotations: consul })),
    ).toEqual(['pass', 'fail']);
  });

  it('judges no gateway, no sidecar without interception and no pod outside of a mesh', () => {
    expect(
      results(
        pod('whole', sidecar, { filters: [istioSidecar] }),
        pod('gateway', ['istio-proxy']),
        pod('none', sidecar, { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } }),
        pod('plain', []),
      ).toSorted(),
    ).toEqual(['notApplicable', 'notApplicable', 'notApplicable', 'pass']);
  });

  it('does not know where the namespace or its rules could not be read', () => {
    const broken = pod('a', sidecar);
    expect(results({ ...broken, stack: null })).toEqual(['unknown']);
    expect(results({ ...broken, stack: aStack({ packetFiltersFailed: 'nft: exit 1' }) })).toEqual([
      'unknown',
    ]);
  });

  it('takes no comment of a rule for one of the mesh', () => {
    const filters = [nat({ OUTPUT: ['-A OUTPUT -m comment --comment "ISTIO_OUTPUT is gone" -j ACCEPT'] })];
    expect(
      results(pod('whole', sidecar, { filters: [istioSidecar] }), pod('lost', sidecar, { filters })),
    ).toEqual(['pass', 'fail']);
  });
});
