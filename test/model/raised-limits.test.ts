import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limitsUndo, type RaisedLimits, WRITTEN } from '../../lib/model/raised-limits.ts';
import { repairScript } from '../../lib/probe/repair-script.ts';

const raised: RaisedLimits = {
  kind: 'raise-limits',
  limits: 'user.max_net_namespaces',
  values: [{ from: 96, to: 192 }],
};

it('a file of raised limits begins with the line by which the undo knows it', () => {
  expect(repairScript()).toContain(`written='${WRITTEN}'`);
});

describe('the command that lowers limits again', () => {
  /** A node with this file, and the undo as somebody types it there. */
  function node(content: string) {
    const directory = mkdtempSync(join(tmpdir(), 'netns-audit-undo-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'zz-netns-audit-namespaces.conf');
    const live = join(directory, 'live');
    writeFileSync(file, content);
    const typed = `sysctl() { echo "$*" >>${live}; }; ${limitsUndo(raised).replaceAll('/etc/sysctl.d', directory)}`;
    return {
      undo: () => spawnSync('sh', ['-c', typed], { stdio: 'ignore' }).status,
      file: () => (existsSync(file) ? readFileSync(file, 'utf8') : null),
      live: () => (existsSync(live) ? readFileSync(live, 'utf8') : null),
      names: () => readdirSync(directory).filter((name) => name !== 'live'),
      write: (text: string) => writeFileSync(file, text),
    };
  }
  const LOWERED = '-w user.max_net_namespaces=96\n';

  it('removes the file, and puts back what it has of one before', () => {
    const alone = node(`${WRITTEN}\nuser.max_net_namespaces = 192\n`);
    expect([alone.undo(), alone.names(), alone.live()]).toEqual([0, [], LOWERED]);
    const kept = node(
      `${WRITTEN}\n#-# By hand.\n#-user.max_net_namespaces = 96\nuser.max_net_namespaces = 192\n`,
    );
    expect([kept.undo(), kept.file(), kept.live()]).toEqual([
      0,
      '# By hand.\nuser.max_net_namespaces = 96\n',
      LOWERED,
    ]);
    expect(kept.names()).toHaveLength(1);
  });

  it('does nothing the second time, nor where somebody has written the file since', () => {
    const { undo, write, file, live, names } = node(`${WRITTEN}\nuser.max_net_namespaces = 192\n`);
    undo();
    expect(undo()).not.toBe(0);
    expect(names()).toEqual([]);
    const theirs = 'user.max_net_namespaces = 500\n';
    write(theirs);
    expect(undo()).not.toBe(0);
    expect([file(), live()]).toEqual([theirs, LOWERED]);
  });

  it('is one line for a shell', () => {
    expect(limitsUndo(raised)).not.toContain('\n');
    execFileSync('sh', ['-nc', limitsUndo(raised)]);
  });
});
