import { describe, expect, it } from 'vitest';
import { kernelKnownBad } from '../../../lib/checks/kernel/kernel-known-bad.ts';
import { aHost, context, failures } from '../evidence.ts';
import { aKernel } from './evidence.ts';

const run = (kernelRelease: string, sysctls: Record<string, string> = {}) =>
  kernelKnownBad.run({ host: aHost({ kernelRelease }), kernel: aKernel({ sysctls }) }, context);

describe('kernel-known-bad', () => {
  it.each(['5.4.217-126.408.amzn2.x86_64', '3.10.0', '3.19.8', '5.1.21', '5.0.0-custom'])(
    'finds %s',
    (release) => {
      expect(failures(run(release))).toHaveLength(1);
    },
  );

  it.each([
    '6.12.40-63.114.amzn2023.x86_64',
    '5.4.219-126.411.amzn2.x86_64',
    '5.2.0',
    '4.1.0',
    '4.18.0-553.el8_10.x86_64',
    '5.0.0-37-generic',
    '3.10.0-1160.el7.x86_64',
    'strange',
  ])('passes %s', (release) => {
    expect(run(release)[0]?.result).toBe('pass');
  });

  it('finds RHEL 7 only where mounts may not be detached', () => {
    const release = '3.10.0-1160.el7.x86_64';
    expect(failures(run(release, { 'fs.may_detach_mounts': '0' }))[0]?.detail).toContain(
      'device or resource busy',
    );
    expect(run(release, { 'fs.may_detach_mounts': '1' })[0]?.result).toBe('pass');
  });

  it('says with which kernel it is repaired, and how to get there', () => {
    const [found] = failures(run('5.1.21'));
    expect(found?.evidence[0]).toMatchObject({ expected: '5.2', actual: '5.1.21' });
    expect(found?.remedy.flatMap((step) => step.command ?? [])).toEqual([
      'kubectl cordon node-1',
      'kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data --timeout=10m',
    ]);
    expect(found?.remedy.at(-1)?.text).toMatch(/Ready, and not before, .*: kubectl uncordon node-1$/);
  });
});
