/** Where the page draws a pod's path broken, and what it says of the packets. */
import { expect, it } from 'vitest';
import type { Finding } from '../../lib/model/finding.ts';
import { podPath } from '../../lib/report/html/pod-path.ts';
import { aFinding } from './sample.ts';

const object = { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' } as const;

it.each([
  ['pod-loopback-down', 'interfaces'],
  ['resolv-conf-missing', 'dns'],
] as const)('draws no way of packets for %s, as nothing on it is wrong', (check, topic) => {
  expect(podPath(aFinding({ check, topic, object }))).toBe('');
});

it('says which packets are lost only where the check knows', () => {
  const missing = podPath(aFinding({ check: 'pod-interface-missing', topic: 'interfaces', object }));
  expect(missing).toContain('No packet passes in either direction.');
  expect(missing).toContain('✕ broken');
  const mtu = podPath(aFinding({ check: 'pod-mtu-mismatch', topic: 'interfaces', object }));
  expect(mtu).toContain('The fault is at the pod&#39;s interface');
  expect(mtu).not.toContain('passes in');
  expect(mtu).toContain('✕ here');
});

it('draws both directions on every link, and dots the one that no packet gets to', () => {
  const arrows = (check: string, topic: Finding['topic']) =>
    podPath(aFinding({ check, topic, object }))
      .split('<p class="muted"', 1)[0]
      ?.match(/[→←⇢⇠✕]/g)
      ?.join('');
  // From the pod to its node, both directions per link; a station that is broken has its own sign.
  expect(arrows('pod-default-route-missing', 'routes')).toBe('✕←⇢←⇢←⇢←');
  expect(arrows('veth-bridge-detached', 'veth')).toBe('→⇠→⇠✕✕⇢←');
  expect(arrows('host-route-missing', 'routes')).toBe('→⇠→⇠→⇠→✕');
  expect(arrows('pod-interface-missing', 'interfaces')).toBe('→⇠✕⇢←⇢←⇢←');
  expect(arrows('pod-mtu-mismatch', 'interfaces')).toBe('→←✕→←→←→←');
  const drawn = podPath(aFinding({ check: 'host-route-missing', topic: 'routes', object }));
  expect(drawn).toContain('<b>⇠</b> none arrive here');
});
