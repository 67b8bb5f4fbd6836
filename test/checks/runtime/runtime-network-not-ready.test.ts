import { describe, expect, it } from 'vitest';
import { runtimeNetworkNotReady } from '../../../lib/checks/runtime/runtime-network-not-ready.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { aNode, anEvent, context, failures } from '../evidence.ts';

const message =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';

function run(notReadyMessage: string | null, events: Sources['events'] = []) {
  const node = aNode({ ready: notReadyMessage === null, notReadyMessage });
  return runtimeNetworkNotReady.run({ node, events }, context);
}

describe('runtime-network-not-ready', () => {
  it('passes a node that is ready', () => {
    expect(run(null)).toMatchObject([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
  });

  it('finds a node without a CNI configuration, in the kubelet’s own words', () => {
    const [found] = failures(run(message));
    expect(found?.detail).toBe(`The kubelet reports: ${message}`);
    expect(found?.confidence).toBe('probable');
  });

  it('is confirmed by an event of the last hour', () => {
    const event = anEvent({ reason: 'NetworkNotReady', message: 'network is not ready' });
    expect(failures(run(message, [event]))[0]?.confidence).toBe('confirmed');
    const old = { ...event, lastSeen: '2026-11-19T02:00:00Z' };
    expect(failures(run(message, [old]))[0]?.confidence).toBe('probable');
  });

  it('leaves a node that is not ready for another reason', () => {
    expect(run('PLEG is not healthy')[0]?.result).toBe('notApplicable');
  });
});
