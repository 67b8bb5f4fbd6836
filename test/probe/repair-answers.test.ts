import { describe, expect, it } from 'vitest';
import { readAnswers } from '../../lib/probe/index.ts';

const [A, B] = [
  'cni-00000000-0000-4000-8000-000000000001',
  'cni-00000000-0000-4000-8000-000000000002',
] as const;

describe('the answers of a pod that repairs a node', () => {
  it('are those to what was asked, in the order in which it was', () => {
    expect(
      readAnswers(`refused ${B} process 7 (sleep) is in it\ndone ${A} veth1 10.1.1.1\nend 2\n`, [A, B]),
    ).toEqual([
      { name: A, word: 'done', detail: 'veth1 10.1.1.1' },
      { name: B, word: 'refused', detail: 'process 7 (sleep) is in it' },
    ]);
  });

  it('show what a node makes up as text, and nothing else', () => {
    const [answer] = readAnswers(`refused ${A} \u001b[2J${'x'.repeat(2000)}\nend 1\n`, [A]);
    expect(answer?.detail).toMatch(/^\\u001b\[2Jx+… \(cut\)$/);
  });

  it.each([
    ['ends before its time', `done ${A} x\n`],
    ['is empty', ''],
    ['says nothing of one', `done ${A} x\nend 2\n`],
    ['speaks of another', `done cni-another x\ndone ${A} x\nend 2\n`],
    ['says two things of one', `refused ${A} x\ndone ${A} x\ndone ${B} x\nend 2\n`],
    ['uses another word', `gone ${A} x\ndone ${B} x\nend 2\n`],
  ])('are not taken from a log that %s', (_, log) => {
    expect(() => readAnswers(log, [A, B])).toThrow('the log of the repair pod is not what it should be');
  });
});
