import { describe, expect, it } from 'vitest';
import { type ComparedFindings, compare } from '../../lib/history/lifecycle.ts';
import { aFinding } from '../report/sample.ts';

const { fingerprint, check, topic, severity, confidence, object, title, detail, evidence, remedy } =
  aFinding();
const fault = {
  fingerprint,
  check,
  topic,
  severity,
  confidence,
  object,
  title,
  detail,
  evidence,
  remedy,
  observations: 1 as const,
  lastWithout: null,
};
const dayOf = (day: number) => new Date(Date.UTC(2026, 10, day, 2, (day * 7) % 15)).toISOString();

/** The days of November on which the finding is present, up to the last day; a missing day was not audited. */
function through(days: readonly number[], there: (day: number) => boolean): ComparedFindings {
  return days.reduce<ComparedFindings>(
    (previous, day) =>
      compare(previous, there(day) ? [fault] : [], dayOf(day), () => ({ result: 'passed' }), false),
    { findings: [], resolved: [], remembered: [] },
  );
}
const days = (last: number) => Array.from({ length: last }, (_, n) => n + 1);
const on = (...there: number[]) =>
  through(days(Math.max(...there)), (day) => there.includes(day)).findings[0];

describe('a finding that comes and goes', () => {
  it('has come back when it was away for less than a week, even for several audits', () => {
    expect(on(1, 2)).toMatchObject({ state: 'open', flaps: 0, returnedAt: null, runs: 2 });
    expect(on(1, 3)).toMatchObject({
      state: 'new',
      flaps: 1,
      runs: 2,
      firstSeen: dayOf(1),
      returnedAt: dayOf(3),
    });
    expect(on(1, 7)).toMatchObject({ flaps: 1, firstSeen: dayOf(1) });
  });

  it('is a new one after it was gone for a week', () => {
    expect(on(1, 9)).toMatchObject({ state: 'new', flaps: 0, runs: 1, firstSeen: dayOf(9) });
  });

  it('is flapping when it came back twice', () => {
    expect(on(1, 3)?.flapping).toBe(false);
    expect(on(1, 3, 5)).toMatchObject({ flapping: true, flaps: 2 });
    expect(on(1, 3, 5, 6, 7)).toMatchObject({ flapping: true, state: 'open' });
  });

  it('is so no longer when it stayed for a week', () => {
    expect(on(1, 3, 5, 6, 7, 8, 9, 10, 11)).toMatchObject({ flapping: true });
    expect(on(1, 3, 5, 6, 7, 8, 9, 10, 11, 12)).toMatchObject({
      flapping: false,
      flaps: 0,
      returnedAt: null,
    });
  });

  it('stays so while nobody can look', () => {
    const before = through([1, 2, 3, 4, 5], (day) => day % 2 === 1);
    const blind = compare(before, [], dayOf(20), () => ({ result: 'notExamined' }), false);
    expect(blind.findings).toMatchObject([{ flapping: true, notSeen: true }]);
  });

  it('says in what is resolved that it was', () => {
    expect(through(days(6), (day) => [1, 3, 5].includes(day)).resolved).toMatchObject([{ flapping: true }]);
  });
});

describe('what a report remembers', () => {
  it('is what was resolved in the last week, and nothing else', () => {
    expect(through(days(2), (day) => day === 1).remembered).toMatchObject([
      { fingerprint, resolvedAt: dayOf(2), firstSeen: dayOf(1), runs: 1, flaps: 0 },
    ]);
    expect(through(days(8), (day) => day === 1).remembered).toHaveLength(1);
    expect(through(days(9), (day) => day === 1).remembered).toEqual([]);
    expect(through(days(3), (day) => day !== 2).remembered).toEqual([]);
  });

  it('keeps the time of the last audit without it, and gets another one when it comes back', () => {
    const passed = () => ({ result: 'passed' }) as const;
    const on = (day: number, before: ComparedFindings, lastWithout: string | null) =>
      compare(before, lastWithout === null ? [] : [{ ...fault, lastWithout }], dayOf(day), passed, false);
    const nothing = { findings: [], resolved: [], remembered: [] };
    const first = on(2, nothing, dayOf(1));
    expect(first.findings).toMatchObject([{ firstSeen: dayOf(2), lastWithout: dayOf(1) }]);
    const second = on(3, first, dayOf(2));
    expect(second.findings).toMatchObject([{ firstSeen: dayOf(2), lastWithout: dayOf(1) }]);
    const back = on(5, on(4, second, null), dayOf(4));
    expect(back.findings).toMatchObject([{ returnedAt: dayOf(5), lastWithout: dayOf(4) }]);
  });

  it('has a bound, and keeps the newest', () => {
    const many = Array.from({ length: 2500 }, (_, n) => ({ ...fault, fingerprint: `f${n}` }));
    const passed = () => ({ result: 'passed' }) as const;
    const first = compare(null, many, dayOf(1), passed, true);
    const gone = compare(first, [fault], dayOf(2), passed, true);
    expect(gone.remembered).toHaveLength(2000);
    expect(compare(gone, [], dayOf(3), passed, true).remembered[0]?.fingerprint).toBe(fingerprint);
  });
});
