import { describe, expect, it } from 'vitest';
import { cniEndpointStale } from '../../../lib/checks/cni/cni-endpoint-stale.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { anEndpoint, aPod, aPodNetwork, aSandbox, context, failures, someEndpoints } from '../evidence.ts';

type Need = Parameters<typeof cniEndpointStale.run>[0];

function evidence(changes: Partial<Sources['cniEndpoints']>, plugin = 'cilium-cni'): Need {
  return {
    pods: [aPod()],
    podNetworks: [aPodNetwork({ plugin })],
    sandboxes: [aSandbox()],
    cniEndpoints: someEndpoints([], { kind: 'cilium', endpoints: [anEndpoint()], ...changes }),
  };
}
const gone = anEndpoint({ name: 'gone-1', podUid: 'uid-gone', addresses: ['10.244.1.9'] });

describe('cni-endpoint-stale', () => {
  it('passes an endpoint of a running pod with its address', () => {
    expect(cniEndpointStale.run(evidence({}), context)).toMatchObject([
      { result: 'pass', object: { kind: 'pod', name: 'web-1' } },
    ]);
  });

  it('finds an endpoint whose pod is gone, and has it removed once nobody has the pod', () => {
    const [found, ...more] = failures(
      cniEndpointStale.run(evidence({ endpoints: [anEndpoint(), gone] }), context),
    );
    expect(more).toEqual([]);
    expect(found?.object).toEqual({ kind: 'pod', namespace: 'shop', name: 'gone-1', node: 'node-1' });
    expect(found?.detail).toBe(
      'A CiliumEndpoint exists for 10.244.1.9, and neither the API nor the runtime has its pod on this node.',
    );
    expect(found?.severity).toBeUndefined();
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'kubectl get pod -n shop gone-1 2>&1 | grep -i notfound',
      'kubectl delete ciliumendpoint -n shop gone-1',
    ]);
  });

  it('is high where another pod has the address by now', () => {
    const [found] = failures(
      cniEndpointStale.run(
        evidence({ endpoints: [anEndpoint(), { ...gone, addresses: ['10.244.1.2'] }] }),
        context,
      ),
    );
    expect(found).toMatchObject({
      severity: 'high',
      detail: expect.stringContaining('shop/web-1 has the address now'),
    });
  });

  it('waits for a pod that may be on its way, and leaves one to sandbox-ghost that the runtime still has', () => {
    const young = { ...gone, createdAt: '2026-11-20T01:55:00Z' };
    const runs = cniEndpointStale.run(evidence({ endpoints: [young] }), context);
    expect(runs).toMatchObject([{ result: 'notApplicable', reason: 'its pod may be on its way' }]);
    const ghost = { ...evidence({ endpoints: [gone] }), sandboxes: [aSandbox({ name: 'gone-1' })] };
    expect(cniEndpointStale.run(ghost, context)).toEqual([]);
  });

  it('leaves an endpoint on another node to that one, and to cni-endpoint-missing', () => {
    const elsewhere = anEndpoint({ elsewhere: '10.0.3.9' });
    expect(cniEndpointStale.run(evidence({ endpoints: [elsewhere] }), context)).toEqual([]);
  });

  it.each([
    ['address', { addresses: ['10.244.1.7'] }, 'high', '10.244.1.7'],
    ['sandbox', { containerId: 'e'.repeat(64) }, undefined, 'e'.repeat(64)],
    ['pod', { podUid: 'uid-before' }, undefined, 'uid-before'],
  ])('finds an endpoint with the %s of another', (_, changes, severity, shown) => {
    const [found] = failures(cniEndpointStale.run(evidence({ endpoints: [anEndpoint(changes)] }), context));
    expect(found?.severity).toBe(severity);
    expect(found?.detail).toContain(shown);
  });

  it('has a pod of Calico made anew', () => {
    const [found] = failures(
      cniEndpointStale.run(
        evidence({ kind: 'calico', endpoints: [anEndpoint({ containerId: 'e'.repeat(64) })] }, 'calico'),
        context,
      ),
    );
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('says what it was not told: endpoints that were too many to be asked for again', () => {
    expect(cniEndpointStale.run(evidence({ endpoints: [], unconfirmed: 3 }), context)).toMatchObject([
      { result: 'unknown', reason: '3 more endpoints without a pod were not read again, and may be gone' },
    ]);
  });
});
