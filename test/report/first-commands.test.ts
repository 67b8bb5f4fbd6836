import { describe, expect, it } from 'vitest';
import type { Finding, RemedyStep } from '../../lib/model/finding.ts';
import { firstCommands } from '../../lib/report/first-commands.ts';
import { write } from '../../lib/report/index.ts';
import { aFinding, aReport } from './sample.ts';

const critical = (check: string, steps: Partial<RemedyStep>[], changes: Partial<Finding> = {}) =>
  aFinding({
    fingerprint: `${check} ${changes.object?.name}`,
    check,
    remedy: steps.map((step) => ({ purpose: 'repair', text: 'Do it.', ...step })),
    ...changes,
  });
const drain = critical('a', [{ command: 'kubectl drain node-1' }]);
const recreate = critical('b', [
  {
    text: 'On cluster prod-eu: Delete the pod.',
    command: 'kubectl --context prod-eu delete pod -n shop web-1',
  },
]);
const restart = critical('c', [{ command: 'systemctl restart kubelet' }]);
const mend = critical('d', [
  { text: 'Think.' },
  { text: 'On node node-1, as root: set it up.', command: 'ip link set cni0 up' },
]);
const look = critical('e', [{ purpose: 'look', command: 'journalctl -b' }, { command: 'reboot' }]);

describe('what to type first', () => {
  it('is the first command of each critical entry, least harm first, and where to run it', () => {
    const found = firstCommands({ findings: [drain, recreate, restart, mend, look] });
    expect(found.map(({ command, effect, where }) => [command, effect, where])).toEqual([
      ['journalctl -b', 'changes nothing', null],
      ['ip link set cni0 up', 'repairs in place (step 2 of 2)', 'on node node-1, as root'],
      ['systemctl restart kubelet', 'restarts a service', null],
      ['kubectl --context prod-eu delete pod -n shop web-1', 'replaces a pod', 'on cluster prod-eu'],
      ['kubectl drain node-1', 'empties or restarts the node', null],
    ]);
  });

  it('leaves out what is not critical, does not count, or does not fit a line', () => {
    const findings = [
      look,
      { ...mend, severity: 'high' as const },
      { ...recreate, state: 'pending' as const },
      critical('f', [{ command: 'one\ntwo' }]),
      critical('g', [{ text: 'Ask the vendor.' }]),
      restart,
    ];
    expect(firstCommands({ findings }).map(({ command }) => command)).toEqual([
      'journalctl -b',
      'systemctl restart kubelet',
    ]);
  });

  it('is left to the entry where there is only one', () => {
    expect(firstCommands({ findings: [look] })).toEqual([]);
  });

  it('ends the text, one line each, and counts the commands for the other objects', () => {
    const another = critical(
      'b',
      [{ text: 'On cluster prod-eu: Delete the pod.', command: 'kubectl delete pod x' }],
      {
        object: { kind: 'pod', namespace: 'shop', name: 'x', node: 'node-2' },
      },
    );
    const report = aReport({ findings: [recreate, another, look] });
    const lines = write(report, 'text', { why: new Map(), colour: false, width: 80 }).split('\n');
    const at = lines.findIndex((line) => line.startsWith('What to type first'));
    expect(lines.slice(at + 1, at + 4)).toEqual([
      '  e (changes nothing):  $ journalctl -b',
      '  b (replaces a pod, on cluster prod-eu, 1 more like it):  $ kubectl --context prod-eu delete pod -n shop web-1',
      '',
    ]);
  });
});
