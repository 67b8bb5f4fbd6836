import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { raisedByTool, raiseLimits } from '../../../lib/checks/remedies/raise-limits.ts';

const raised = [
  { from: 128, to: 512 },
  { from: 8192, to: 2048 },
  { from: null, to: 4096 },
];

describe('a limit that is too low', () => {
  const [now, kept, elsewhere, ...more] = raiseLimits('node-1', 'net.ipv4.neigh.default.gc_thresh', raised);

  it('is raised at once, and says how it was, where that is known', () => {
    expect(now).toMatchObject({
      purpose: 'repair',
      text: expect.stringContaining('sysctl -w net.ipv4.neigh.default.gc_thresh1=128'),
      command: 'sysctl -w net.ipv4.neigh.default.gc_thresh1=512 net.ipv4.neigh.default.gc_thresh3=4096',
    });
    expect(now?.text).not.toContain('gc_thresh3');
  });

  it('is raised by the tool if all could be read, and none is lowered', () => {
    expect(raisedByTool('net.ipv4.neigh.default.gc_thresh', raised)).toEqual({});
    const known = [...raised.slice(0, 2), { from: 1024, to: 4096 }];
    expect(raisedByTool('net.ipv4.neigh.default.gc_thresh', known).repair?.values).toEqual([
      { from: 128, to: 512 },
      { from: 8192, to: 8192 },
      { from: 1024, to: 4096 },
    ]);
    expect(raisedByTool('user.max_net_namespaces', [{ from: 2_147_483_647, to: 4_294_967_294 }])).toEqual({});
  });

  it('is kept in a file that sysctl reads after all others, and says how to remove it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'netns-audit-limits-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const typed = (kept?.command ?? '').replace('/etc/sysctl.d', directory);
    execFileSync('sh', ['-c', typed]);
    expect(readFileSync(join(directory, 'zz-netns-audit-neighbours-4.conf'), 'utf8')).toBe(
      'net.ipv4.neigh.default.gc_thresh1 = 512\nnet.ipv4.neigh.default.gc_thresh3 = 4096\n',
    );
    expect(kept?.text).toContain('rm /etc/sysctl.d/zz-netns-audit-neighbours-4.conf');
  });

  it('belongs into user data where the node cannot be written', () => {
    expect(elsewhere).toMatchObject({ purpose: 'look', text: expect.stringContaining('docs/limits.md') });
    expect(more).toEqual([]);
  });
});
