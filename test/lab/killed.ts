/** A repair or an undo that is killed, and called again. */
import { expect, it } from 'vitest';
import { restoreAndUndo, restoreLab } from './restored.ts';

/** The normal run takes every third step, which is now before and now after it; `npm run test:crash` takes all. */
export const sample = <T>(steps: readonly T[]): T[] =>
  steps.filter((_, index) => process.env.KILL_STEPS === 'all' || index % 3 === 0);

/**
 * Tests that the same call completes what a killed one left half done.
 *
 * @param steps - where it is killed: a loss, and a command before or after which no program of it goes on
 */
export function completesWhenKilled(
  lab: Parameters<typeof restoreLab>[0],
  steps: readonly (readonly [loss: string, step: string])[],
): void {
  it.each(sample(steps.flatMap((step) => [['before', ...step] as const, ['after', ...step] as const])))(
    '%s the step of loss %s: %s, is completed by the same call',
    (when, loss, step) => {
      const { answers, before, after, said } = restoreLab(lab, true, {
        FEW: loss,
        KILL: `${when} ${step}`,
      });
      expect(said).not.toContain('it was not killed');
      expect([...answers.values()]).toEqual([
        expect.stringMatching(/^(?:done|refused): it is as it should be$/),
      ]);
      expect(after).toEqual(before);
    },
  );
}

/** @param nth - not at the first such command, but at this one */
type UndoStep = readonly [loss: string, step: string, nth?: number];

/**
 * The same of an undo: the same call takes back what a killed one left half taken back.
 *
 * @param lost - of each call, and how many objects that is
 * @param steps - as above, with `before` or `after` in front where only one of them is meant
 */
export function takesBackWhenKilled(
  lab: Parameters<typeof restoreAndUndo>[0],
  steps: readonly UndoStep[],
  { count = 1, ...lost }: { readonly count?: number; readonly OFF?: string } = {},
): void {
  const each = steps.flatMap(([loss, step, nth = 1]) =>
    (/^(?:before|after) /.test(step) ? [step] : [`before ${step}`, `after ${step}`]).map(
      (kill) => [kill, loss, nth] as const,
    ),
  );
  it.each(sample(each))('%s, of loss %s (%i), is completed by the same call', (KILL, FEW, nth) => {
    const more = { ...lost, FEW, KILL, KILLED: 'undo', NTH: String(nth) };
    const { answers, undone, before, after, broken, last, said } = restoreAndUndo(lab, count, more);
    expect(said).not.toContain('it was not killed');
    expect([...new Set(answers.values())]).toEqual(['done: it is as it should be']);
    expect(after).toEqual(before);
    expect(undone.size).toBe(count);
    for (const answer of undone.values()) expect(answer).toMatch(/^(?:done|refused): it is as it was found$/);
    expect(broken).not.toEqual(before);
    expect(last).toEqual(broken);
  });
}
