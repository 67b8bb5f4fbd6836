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
  { text: 'On node node-1, as root: set it up.', command: 'ip link set cni0 up' },
  { text: 'Think.' },
]);
const look = critical('e', [{ purpose: 'look', command: 'journalctl -b' }, { command: 'reboot' }]);

describe('what to type first', () => {
  it('is the first command of each critical entry, least harm first, and where to run it', () => {
    const cordon = critical('h', [{ command: 'kubectl cordon node-1' }]);
    const found = firstCommands({ findings: [drain, recreate, restart, cordon, mend, look] });
    expect(found.commands.map(({ command, effect, where }) => [command, effect, where])).toEqual([
      ['journalctl -b', 'changes nothing, step 1 of 2', 'on node node-1'],
      ['ip link set cni0 up', 'changes the node in place, step 1 of 2', 'on node node-1, as root'],
      ['kubectl cordon node-1', 'keeps new pods away', null],
      ['systemctl restart kubelet', 'restarts a service', 'on node node-1'],
      ['kubectl --context prod-eu delete pod -n shop web-1', 'replaces a pod', 'on cluster prod-eu'],
      ['kubectl drain node-1', 'empties or restarts the node', null],
    ]);
    expect(found.others).toBe(0);
  });

  it('counts those that have to be read first: a condition in words, or no command that fits a line', () => {
    const findings = [
      look,
      restart,
      critical('f', [{ command: 'one\ntwo' }]),
      critical('g', [{ text: 'Ask the vendor.' }]),
      critical('i', [
        { text: 'Treat it as an incident: find out who did it, before the pod goes.' },
        { command: 'kubectl delete pod x' },
      ]),
    ];
    const { commands, others } = firstCommands({ findings });
    expect(commands.map(({ command }) => command)).toEqual(['journalctl -b', 'systemctl restart kubelet']);
    expect(others).toBe(3);
  });

  it('leaves out what is not critical, does not count, or was not seen by this audit', () => {
    const findings = [
      look,
      restart,
      { ...mend, severity: 'high' as const },
      { ...recreate, state: 'pending' as const },
      { ...drain, notSeen: true },
    ];
    const { commands, others } = firstCommands({ findings });
    expect(commands.map(({ command }) => command)).toEqual(['journalctl -b', 'systemctl restart kubelet']);
    expect(others).toBe(0);
  });

  it('is left to the entry where there is only one', () => {
    expect(firstCommands({ findings: [look] }).commands).toEqual([]);
  });

  it('ends the text, one line each, and says of how many objects each is', () => {
    const another = critical(
      'b',
      [{ text: 'On cluster prod-eu: Delete the pod.', command: 'kubectl delete pod x' }],
      {
        object: { kind: 'pod', namespace: 'shop', name: 'x', node: 'node-2' },
      },
    );
    const report = aReport({ findings: [recreate, another, look, critical('g', [{ text: 'Think.' }])] });
    const lines = write(report, 'text', { why: new Map(), colour: false, width: 100 }).split('\n');
    const at = lines.findIndex((line) => line.startsWith('What to type first'));
    expect(lines.slice(at, at + 4)).toEqual([
      'What to type first for critical findings, least harm first (read the 1 other entry first):',
      '  e (changes nothing, step 1 of 2, on node node-1):  $ journalctl -b',
      '  b (replaces a pod, on cluster prod-eu, 1 of 2 objects):  $ kubectl --context prod-eu delete pod -n shop web-1',
      '',
    ]);
  });
});
