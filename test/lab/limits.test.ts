/** What the repair of a node does to limits of its kernel that are too low, and to what has become of some since they were found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sample } from './killed.ts';
import { whyNoLab } from './lab.ts';
import { restoreAndUndo, restoreLab } from './restored.ts';

const NAMESPACES = 'user.max_net_namespaces';
const NEIGHBOURS = 'net.ipv4.neigh.default.gc_thresh';
const CONF = '/etc/sysctl.d/zz-netns-audit-namespaces.conf';
const WRITTEN =
  '# Written by netns-audit. Lines with #- are those of the file before; without any, there was none.';

/** Of this machine's disk: what is in memory outlasts no boot. */
let disk: string;
/** Each lab has a directory of its own. */
let number = 0;
beforeAll(() => {
  disk = mkdtempSync('/var/tmp/netns-lab-limits-');
});
afterAll(() => rmSync(disk, { recursive: true }));
function onDisk<More extends Readonly<Record<string, string>>>(more: More): More & { readonly DISK: string } {
  number += 1;
  return { ...more, DISK: mkdtempSync(`${disk}/${number}-`) };
}

describe.skipIf(whyNoLab() !== null)('limits that are too low', { timeout: 60_000 }, () => {
  it('are raised, now and for the boots to come, and are as before when that is taken back', () => {
    const { answers, before, after, undone, last } = restoreAndUndo('limits.sh', 2, onDisk({ FEW: '1 2' }));
    expect(Object.fromEntries(answers)).toEqual({
      [NAMESPACES]: 'done: it is as it should be',
      [NEIGHBOURS]: 'done: it is as it should be',
    });
    const raised = after.get('node');
    expect(raised).toContain('/proc/sys/user/max_net_namespaces:192');
    expect(raised).toContain(`${CONF}:${WRITTEN}\n${CONF}:user.max_net_namespaces = 192`);
    for (const [setting, value] of [
      [1, 512],
      [2, 2048],
      [3, 4096],
    ] as const) {
      expect(raised).toContain(`/gc_thresh${setting}:${value}`);
      expect(raised).toContain(`zz-netns-audit-neighbours-4.conf:${NEIGHBOURS}${setting} = ${value}`);
    }
    expect([...undone.values()]).toEqual(Array(2).fill('done: it is as it was found'));
    expect(last).toEqual(before);
  });

  it('keep what was in the file before', () => {
    const { after, before, last } = restoreAndUndo('limits.sh', 1, onDisk({ SCENE: 'earlier' }));
    expect(after.get('node')).toContain(
      `${CONF}:${WRITTEN}\n${CONF}:#-# By hand.\n${CONF}:#-user.max_net_namespaces = 96\n${CONF}:user.max_net_namespaces = 192`,
    );
    expect(last).toEqual(before);
    expect(before.get('node')).toContain('By hand');
  });

  it('are only looked at by a rehearsal', () => {
    const { answers, before, after } = restoreLab('limits.sh', false, onDisk({ FEW: '1 2' }));
    expect([...answers.values()]).toEqual(Array(2).fill('would: it is as it was found'));
    expect(after).toEqual(before);
  });

  it('are kept for the boots to come where somebody has raised them now', () => {
    const { answers, after } = restoreLab('limits.sh', true, onDisk({ SCENE: 'typed' }));
    expect(answers.get(NAMESPACES)).toBe('done: it is as it should be');
    expect(after.get('node')).toContain(`${CONF}:user.max_net_namespaces = 192`);
  });

  const USER_DATA = String.raw`: put this into its user data \(docs/limits\.md\): user\.max_net_namespaces = 192$`;
  it.each([
    ['somebody has raised them as told', 'theirs', /^it is as it should be$/],
    ['somebody has raised them further', 'higher', /^user\.max_net_namespaces is 500 by now$/],
    ['they are lower than found', 'lower', /^user\.max_net_namespaces is 90 by now$/],
    [
      'somebody has written the file',
      'unread',
      /^somebody has written \/etc\/sysctl\.d\/zz-netns-audit-namespaces\.conf$/,
    ],
    [
      'the file has something else',
      'different',
      /zz-netns-audit-namespaces\.conf has something else by now$/,
    ],
    ['the file is a link', 'link', /has something else by now$/],
    [
      'a later file sets them',
      'later',
      /^\/etc\/sysctl\.d\/zzz\.conf sets it as well, and is read later: put/,
    ],
    [
      'nothing can be written',
      'readonly',
      new RegExp(`^/etc/sysctl\\.d of the node cannot be written${USER_DATA}`),
    ],
    [
      'the directory is in memory',
      'memory',
      new RegExp(`^/etc/sysctl\\.d of the node is in memory, and does not outlast a boot${USER_DATA}`),
    ],
    [
      'what is written goes to memory',
      'overlay',
      /is an overlay, and whether it outlasts a boot is not known|is in memory/,
    ],
    ['there is no such directory', 'none', new RegExp(`^the node has no /etc/sysctl\\.d${USER_DATA}`)],
  ])('are left as they are where %s', (_, SCENE, reason) => {
    const { answers, after } = restoreLab('limits.sh', true, onDisk({ SCENE }));
    const [word, ...why] = (answers.get(NAMESPACES) ?? '').split(': ');
    expect(word).toBe('refused');
    expect(why.join(': ')).toMatch(reason);
    expect(after).toEqual(restoreLab('limits.sh', false, onDisk({ SCENE })).after);
  });

  it('are all left as they are where one of them cannot be written', () => {
    const { answers, before, after } = restoreLab('limits.sh', true, onDisk({ FEW: '2', SCENE: 'fixed' }));
    expect(answers.get(NEIGHBOURS)).toBe(`refused: this pod may not write ${NEIGHBOURS}2`);
    expect(after).toEqual(before);
  });

  it('are raised where only an earlier file sets them', () => {
    const { answers } = restoreLab('limits.sh', true, onDisk({ SCENE: 'before' }));
    expect(answers.get(NAMESPACES)).toBe('done: it is as it should be');
  });

  it('are not touched where they cannot be read', () => {
    const { answers } = restoreLab('limits.sh', true, onDisk({ SCENE: 'gone' }));
    expect(answers.get(NAMESPACES)).toMatch(/^left: not all could be looked at: .*max_net_namespaces/);
  });

  it.each([
    [
      'cannot be raised',
      { FAILS: "'tee /proc/1/root/proc/sys/user/'*" },
      /^failed: it could not be raised: tee: Permission/,
    ],
    [
      'stay as they are',
      { STUCK: "'tee /proc/1/root/proc/sys/user/'*" },
      /^failed: it was raised, but it is not as it should be: half/,
    ],
  ])('are a surprise where they %s', (_, more, answer) => {
    const { answers } = restoreLab('limits.sh', true, onDisk(more));
    expect(answers.get(NAMESPACES)).toMatch(answer);
  });

  it.each([
    [
      'the file cannot take its place',
      { FAILS: "'mv '*zz-netns*" },
      /^failed: it could not be raised: mv: Perm/,
    ],
    ['the file is written in part', { STUCK: "'tee '*conf.new" }, /^failed: it could not be raised/],
    ['one cannot be raised', { FEW: '2', FAILS: "'tee '*gc_thresh2" }, /^failed: .* tee: Permission/],
  ])('are as before where %s', (_, more, answer) => {
    const { answers, before, after } = restoreLab('limits.sh', true, onDisk(more));
    expect([...answers.values()]).toEqual([expect.stringMatching(answer)]);
    expect(after).toEqual(before);
  });

  it('stay as somebody has raised them where they cannot be kept', () => {
    const { answers, after } = restoreLab(
      'limits.sh',
      true,
      onDisk({ SCENE: 'typed', FAILS: "'mv '*zz-netns*" }),
    );
    expect(answers.get(NAMESPACES)).toMatch(/^failed/);
    expect(after.get('node')).toBe(
      '/proc/sys/user/max_net_namespaces:192\n'.concat(
        [128, 512, 1024]
          .map((value, index) => `/proc/sys/net/ipv4/neigh/default/gc_thresh${index + 1}:${value}`)
          .join('\n'),
      ),
    );
  });

  it.each([
    `${NAMESPACES},node,0,96:1`,
    `${NAMESPACES},node,0,96:96`,
    `${NAMESPACES},node,0,500:96`,
    `${NEIGHBOURS},node,0,128:512,512:100,1024:4096`,
  ])('are never lowered, whatever the pod is asked for: %s', (ASKED) => {
    const put = restoreLab('limits.sh', true, onDisk({ FEW: '3', ASKED }));
    expect([...put.answers.values()]).toEqual(['refused: that would not raise it']);
    expect(put.after).toEqual(put.before);
    const { undone, broken, last } = restoreAndUndo('limits.sh', 1, onDisk({ FEW: '3', ASKED }));
    expect([...undone.values()]).toEqual(['refused: that would not raise it']);
    expect(last).toEqual(broken);
  });

  it.each([
    [
      'more namespaces are alive by now',
      'for each in $(seq 100); do : >/run/netns/x$each; unshare --net=/run/netns/x$each true; done',
      /^refused: 10[0-9] network namespaces are alive by now, so no pod could start$/,
    ],
    [
      'somebody has written the file since',
      `sed -i 1d ${CONF}`,
      /^refused: somebody has written the right file$/,
    ],
    [
      'they were raised further',
      'echo 400 >/proc/sys/user/max_net_namespaces',
      /^refused: .* is 400 by now$/,
    ],
    [
      'the file cannot be written any more',
      'mount -o remount,bind,ro /etc/sysctl.d',
      /^refused: \/etc\/sysctl\.d of the node cannot be written$/,
    ],
    [
      'somebody has taken them over',
      `rm ${CONF}; echo user.max_net_namespaces=192 >/etc/sysctl.d/99-own.conf`,
      /^refused: \/etc\/sysctl\.d\/zz-netns-audit-namespaces\.conf is not as it was left$/,
    ],
    [
      'somebody has put the old file back',
      `echo user.max_net_namespaces = 96 >${CONF}`,
      /^refused: \/etc\/sysctl\.d\/zz-netns-audit-namespaces\.conf is not as it was left$/,
    ],
    [
      'somebody else sets them later',
      'echo user.max_net_namespaces=192 >/etc/sysctl.d/zzz.conf',
      /^refused: \/etc\/sysctl\.d\/zzz\.conf sets it as well, and is read later$/,
    ],
  ])('stay raised where %s', (_, MEANWHILE, reason) => {
    const { undone, last } = restoreAndUndo('limits.sh', 1, onDisk({ MEANWHILE }));
    expect(undone.get(NAMESPACES)).toMatch(reason);
    expect(last.get('node')).toMatch(/max_net_namespaces:(?:192|400)$/m);
  });

  it.each([
    [
      'that has too many entries for the old ones',
      '0000039a',
      'arp_cache has 922 entries by now, which is too many for 1024',
    ],
    ['of which nobody knows how full it is', 'x', 'how full arp_cache is could not be read'],
  ])('stay raised for a table of neighbours %s', (_, ENTRIES, reason) => {
    const { undone, after, last } = restoreAndUndo('limits.sh', 1, onDisk({ FEW: '2', ENTRIES }));
    expect(undone.get(NEIGHBOURS)).toBe(`refused: ${reason}`);
    expect(last).toEqual(after);
  });

  it('are lowered again where the table of neighbours has room', () => {
    const { undone } = restoreAndUndo('limits.sh', 1, onDisk({ FEW: '2', ENTRIES: '00000399' }));
    expect([...undone.values()]).toEqual(['done: it is as it was found']);
  });
});

describe.skipIf(whyNoLab() !== null)('limits whose raise or undo is killed', { timeout: 60_000 }, () => {
  const each = (...steps: readonly (readonly [few: string, step: string])[]) =>
    sample(steps.flatMap((step) => [['before', ...step] as const, ['after', ...step] as const]));
  const RAISED = /^(?:done|refused): it is as it should be$/;

  it.each(
    each(
      ['1', 'tee */user/max_net_namespaces'],
      ['1', 'tee *namespaces.conf.new'],
      ['1', 'mv *namespaces.conf'],
      ['2', 'tee */gc_thresh1'],
      ['2', 'tee */gc_thresh2'],
      ['2', 'tee */gc_thresh3'],
      ['2', 'mv *neighbours-4.conf'],
    ),
  )('are raised by the same call, killed %s step %s: %s', (when, FEW, step) => {
    const more = { FEW, SCENE: 'earlier' };
    const { answers, after, said } = restoreLab(
      'limits.sh',
      true,
      onDisk({ ...more, KILL: `${when} ${step}` }),
    );
    expect(said).not.toContain('it was not killed');
    expect([...answers.values()]).toEqual([expect.stringMatching(RAISED)]);
    expect(after).toEqual(restoreLab('limits.sh', true, onDisk(more)).after);
  });

  it.each([
    ...each(['1', 'rm *namespaces.conf'], ['2', 'rm *neighbours-4.conf'], ['2', 'tee */gc_thresh2']).map(
      (step) => [...step, ''] as const,
    ),
    ...each(
      ['1', 'tee *namespaces.conf.new'],
      ['1', 'mv *namespaces.conf'],
      ['1', 'tee */user/max_net_namespaces'],
    ).map((step) => [...step, 'earlier'] as const),
  ])('are as they were found after the same undo, killed %s step %s: %s', (when, FEW, step, SCENE) => {
    const more = { FEW, SCENE, KILLED: 'undo', KILL: `${when} ${step}` };
    const { answers, undone, before, after, last, said } = restoreAndUndo('limits.sh', 1, onDisk(more));
    expect(said).not.toContain('it was not killed');
    expect([...answers.values()]).toEqual(['done: it is as it should be']);
    expect([...undone.values()]).toEqual([
      expect.stringMatching(/^(?:done|refused): it is as it was found$/),
    ]);
    expect(after).not.toEqual(before);
    expect(last).toEqual(before);
  });
});
