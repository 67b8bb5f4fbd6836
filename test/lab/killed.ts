/** A repair that is killed, and called again. */
import { expect, it } from 'vitest';
import { restoreLab } from './restored.ts';

/**
 * Tests that the same call completes what a killed one left half done.
 *
 * @param steps - where it is killed: a loss, and a command before or after which no program of it goes on
 */
export function completesWhenKilled(
  lab: Parameters<typeof restoreLab>[0],
  steps: readonly (readonly [loss: string, step: string])[],
): void {
  it.each(steps.flatMap((step) => [['before', ...step] as const, ['after', ...step] as const]))(
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
