/** Where the page draws a pod's path broken, and what it says of the packets. */
import { expect, it } from 'vitest';
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
