import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AnyCheck, defineCheck, fail, type Outcome, pass } from '../../lib/checks/define.ts';
import { diagnoseNode } from '../../lib/diagnosis/diagnose-node.ts';
import { FINDINGS_OF_A_NODE } from '../../lib/diagnosis/finding-limits.ts';
import { buildEvidence, readArchive } from '../../lib/probe/index.ts';

const stored = await readArchive(readFileSync(new URL('../../demo/healthy.tar.gz', import.meta.url)));
if (stored.files === null || stored.after === null) throw new Error('the recording has no probe');
const settleSeconds = stored.audit.settleSeconds;
const evidence = buildEvidence({ ...stored, files: stored.files, after: stored.after, settleSeconds });

const check = (id: string, run: () => readonly Outcome[]): AnyCheck =>
  defineCheck({
    id,
    topic: 'namespaces',
    severity: 'low',
    title: 'fine',
    failureTitle: 'not fine',
    why: 'because',
    needs: ['node'],
    run,
  });
const file = (name: string) => ({ kind: 'file', name, node: 'node-1' }) as const;
const failure = (name: string, detail = 'wrong', command = 'true'): Outcome =>
  fail(file(name), {
    detail,
    confidence: 'confirmed',
    evidence: [],
    remedy: [{ purpose: 'look', text: 'look', command }],
  });
const diagnose = (...checks: AnyCheck[]) => diagnoseNode(evidence, checks, { settleSeconds });
const many = (count: number) => Array.from({ length: count }, (_, index) => failure(`/f${index}`));

describe('a node that finds very much in itself', () => {
  it('keeps so many findings, and says of the rest how many there were: they are unknown and not gone', () => {
    const { failures, tallies, found } = diagnose(
      check('flood', () => many(60_000)),
      check('real', () => [failure('/real'), pass(file('/good'))]),
    );
    expect(failures).toHaveLength(FINDINGS_OF_A_NODE);
    expect(failures.at(-1)).toMatchObject({ check: 'real', object: { name: '/real' } });
    expect(tallies).toMatchObject([
      {
        check: 'flood',
        unknown: 55_001,
        reasons: ['too many findings on this node: this check has 60000, and the first 4999 are kept'],
      },
      { check: 'real', passed: 1, unknown: 0, reasons: [], unexamined: [] },
    ]);
    expect(tallies[0]?.unexamined).toHaveLength(55_001);
    expect(tallies[0]?.unexamined.at(-1)).toBe('file||/f59999|node-1|');
    expect(found.get('flood')).toBe(60_000);
  });

  it('keeps no more of them than a store can hold of all nodes, however long each is written', () => {
    const control = '\u0001'.repeat(3_000);
    const { failures, tallies } = diagnose(
      check('flood', () => many(5_000).map((each) => ({ ...each, detail: control }) as Outcome)),
      check('real', () => [failure('/real')]),
    );
    expect(Buffer.byteLength(JSON.stringify(failures))).toBeLessThan(6 * 1024 * 1024);
    expect(failures.at(-1)).toMatchObject({ check: 'real' });
    expect(failures.length - 1 + (tallies[0]?.unknown ?? 0)).toBe(5_000);
  });

  it('names no more of what was not judged than there is room for, and then has judged nothing', () => {
    const odd = Array.from({ length: 60_000 }, (_, index) => file(`/${'\u0001'.repeat(100)}${index}`));
    const { tallies } = diagnose(
      check('flood', () => [
        pass(file('/good')),
        ...odd.map((object) => ({ result: 'unknown', object, reason: 'odd' }) as const),
      ]),
      check('real', () => [pass(file('/good')), { result: 'unknown', object: file('/bad'), reason: 'odd' }]),
    );
    expect(Buffer.byteLength(JSON.stringify(tallies))).toBeLessThan(5 * 1024 * 1024);
    expect(tallies).toMatchObject([
      { check: 'flood', passed: 0, unknown: 60_001, unexamined: [] },
      { check: 'real', passed: 1, unknown: 1, unexamined: ['file||/bad|node-1|'] },
    ]);
  });

  it('ends nobody by a quarter million of them', () => {
    expect(diagnose(check('flood', () => many(250_000))).failures).toHaveLength(FINDINGS_OF_A_NODE);
  });

  it('cuts a text that is too long, and says so', () => {
    const { failures } = diagnose(check('long', () => [failure('/a', 'x'.repeat(5_000))]));
    expect(failures[0]?.detail).toBe(`${'x'.repeat(4_000)}… (1000 characters more)`);
  });

  it('gives no half of a command', () => {
    const { failures } = diagnose(check('long', () => [failure('/a', 'wrong', `rm ${'x'.repeat(5_000)}`)]));
    expect(failures[0]?.remedy).toEqual([
      { purpose: 'look', text: 'look (its command has 5003 characters and is left out)' },
    ]);
  });

  it('has an unknown where the name of the object alone is too long', () => {
    const { failures, tallies } = diagnose(
      check('long', () => [failure(`/${'x'.repeat(9_000)}`), pass(file('/good'))]),
    );
    expect(failures).toEqual([]);
    expect(tallies[0]).toMatchObject({
      passed: 1,
      unknown: 1,
      reasons: ['the name of what was looked at has 9011 characters'],
    });
  });
});

describe('a check that goes wrong', () => {
  it.each<[string, () => readonly Outcome[]]>([
    [
      'throws',
      () => {
        throw new TypeError('Cannot read it');
      },
    ],
    [
      'makes a finding that cannot be made',
      () => [
        {
          ...failure('/a'),
          get evidence(): never[] {
            throw new TypeError('Cannot read it');
          },
        } as Outcome,
      ],
    ],
  ])('that %s is unknown by name, and the others are as they are', (_, run) => {
    const { failures, tallies } = diagnose(
      check('broken', run),
      check('real', () => [failure('/real')]),
    );
    expect(failures.map((each) => each.check)).toEqual(['real']);
    expect(tallies[0]).toMatchObject({
      check: 'broken',
      unknown: 1,
      reasons: ['the check failed: Cannot read it'],
    });
  });
});
