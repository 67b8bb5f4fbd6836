import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CAPABILITIES, probePod, probePodName } from '../../lib/probe/pod-manifest.ts';
import { probeScript } from '../../lib/probe/script.ts';
import { aCrossPod } from '../checks/connectivity/crossings.ts';

const options = {
  runId: '20261120T020000Z-abc',
  node: 'ip-10-0-3-7.eu-west-1.compute.internal',
  expires: new Date('2026-11-20T02:05:00Z'),
};

describe('the pod of the probe', () => {
  const pod = probePod(options);
  const [container] = pod.spec.containers;

  test('has the least rights that suffice, and no way to the API or the disk of the host', () => {
    expect(container?.securityContext).toMatchObject({
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: [...CAPABILITIES] },
    });
    expect(pod.spec).toMatchObject({
      hostPID: true,
      hostNetwork: true,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
    });
    expect(pod.spec.volumes).toEqual([
      { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '96Mi' } },
    ]);
    expect(pod.spec).not.toHaveProperty('priorityClassName');
  });

  test('goes to its node past every taint, and ends by itself', () => {
    expect(pod.spec).toMatchObject({
      nodeName: options.node,
      tolerations: [{ operator: 'Exists' }],
      activeDeadlineSeconds: 120,
    });
    expect(pod.metadata.annotations['netns-auditor/expires']).toBe('2026-11-20T02:05:00.000Z');
  });

  test('is told by addresses alone who pings whom', () => {
    const [crossing] = probePod({
      ...options,
      active: ['cross'],
      cross: {
        next: { name: 'node-2', address: '10.0.0.2' },
        sources: [aCrossPod(1), aCrossPod(2)],
        targets: [{ ...aCrossPod(3), stayed: true }],
      },
    }).spec.containers;
    expect(crossing?.args.slice(-3)).toEqual([
      'active=cross',
      'cross=10.0.0.2,10.244.3.5',
      'from=10.244.1.5,10.244.2.5',
    ]);
  });

  test('is privileged only on request', () => {
    const [asked] = probePod({ ...options, privileged: true }).spec.containers;
    expect(asked?.securityContext).toMatchObject({ privileged: true });
  });

  test('carries the script so that the kubelet, which expands $(NAME) and $$, gives sh the same text', () => {
    const expanded = container?.command[2]?.replaceAll('$$', () => '$');
    expect(expanded).toBe(probeScript());
    // Each probe pod carries the script through the API server; Linux accepts 128 KiB as one argument.
    expect(container?.command[2]?.length).toBeLessThan(48_000);
  });

  test.each(['dash', 'busybox', 'bash'])('carries a script that %s can parse', (shell) => {
    const parsed = spawnSync(shell, [...(shell === 'busybox' ? ['sh'] : []), '-n'], {
      input: probeScript(),
      encoding: 'utf8',
    });
    if (parsed.error === undefined) expect([parsed.status, parsed.stderr]).toEqual([0, '']);
  });

  test('has a name that is the same for the same run and node, valid, and its own', () => {
    const name = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
    fc.assert(
      fc.property(fc.string(), fc.string(), (run, node) => {
        expect(probePodName(run, node)).toMatch(name);
        expect(probePodName(run, node)).toBe(probePodName(run, node));
        expect(probePodName(run, node)).not.toBe(probePodName(`${run}x`, node));
      }),
    );
  });
});
