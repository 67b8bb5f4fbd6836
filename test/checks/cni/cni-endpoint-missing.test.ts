import { describe, expect, it } from 'vitest';
import { cniEndpointMissing } from '../../../lib/checks/cni/cni-endpoint-missing.ts';
import { anEndpoint, aPod, aPodNetwork, aSandbox, context, failures, someEndpoints } from '../evidence.ts';

const cilium = aPodNetwork({ plugin: 'cilium-cni' });
const calico = aPodNetwork({ plugin: 'calico' });
const endpoints = (changes: Parameters<typeof someEndpoints>[1] = {}) =>
  someEndpoints([], { kind: 'cilium', ...changes });

describe('cni-endpoint-missing', () => {
  it('passes a pod whose endpoint Cilium has on file for this node', () => {
    const run = cniEndpointMissing.run(
      { podNetworks: [cilium], cniEndpoints: endpoints({ endpoints: [anEndpoint()] }) },
      context,
    );
    expect(run).toMatchObject([{ result: 'pass', object: { kind: 'pod', name: 'web-1' } }]);
  });

  it('finds a running pod that Cilium has no endpoint of, and has its agent make it again', () => {
    const [found] = failures(
      cniEndpointMissing.run({ podNetworks: [cilium], cniEndpoints: endpoints() }, context),
    );
    expect(found?.detail).toBe('The pod runs, and the API has no CiliumEndpoint of it.');
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'kubectl delete pod -n kube-system -l k8s-app=cilium --field-selector spec.nodeName=node-1',
      'kubectl get ciliumendpoint -n shop web-1',
    ]);
  });

  it('finds a pod whose endpoint says that it is on another node', () => {
    const [found] = failures(
      cniEndpointMissing.run(
        {
          podNetworks: [cilium],
          cniEndpoints: endpoints({ endpoints: [anEndpoint({ elsewhere: '10.0.3.9' })] }),
        },
        context,
      ),
    );
    expect(found?.detail).toContain('says that it is on node 10.0.3.9');
  });

  it('does not judge a pod that may have begun after the endpoints were listed', () => {
    const young = aPodNetwork({
      plugin: 'cilium-cni',
      sandbox: aSandbox({ createdAt: '2026-11-20T01:59:30.000Z' }),
    });
    expect(
      cniEndpointMissing.run({ podNetworks: [young], cniEndpoints: endpoints() }, context),
    ).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('finds a running pod whose endpoint Calico has emptied', () => {
    const [found] = failures(
      cniEndpointMissing.run(
        {
          podNetworks: [calico],
          cniEndpoints: someEndpoints([], { endpoints: [anEndpoint({ addresses: [] })] }),
        },
        context,
      ),
    );
    expect(found).toMatchObject({ severity: 'medium', detail: expect.stringContaining('is empty') });
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('passes a pod of Calico with its addresses, and one that has no annotation, as of a version without', () => {
    for (const list of [[anEndpoint()], []])
      expect(
        cniEndpointMissing.run(
          { podNetworks: [calico], cniEndpoints: someEndpoints([], { endpoints: list }) },
          context,
        ),
      ).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge pods of a plugin that keeps none, as beside Cilium on one node', () => {
    const bridge = aPodNetwork({ pod: aPod({ name: 'other' }) });
    expect(
      cniEndpointMissing.run({ podNetworks: [bridge], cniEndpoints: endpoints() }, context),
    ).toMatchObject([{ result: 'notApplicable', reason: 'bridge keeps no endpoints in the API' }]);
  });
});
