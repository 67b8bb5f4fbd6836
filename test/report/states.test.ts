import { describe, expect, it } from 'vitest';
import { datedStates, openSince, statesInWords } from '../../lib/report/states.ts';
import { aFinding } from './sample.ts';

const of = (state: 'new' | 'open' | 'pending', day = '2026-01-02') =>
  aFinding({ state, firstSeen: `${day}T03:04:05Z` });

describe('the states of findings', () => {
  it('are one word for one state, and counted for several', () => {
    expect(statesInWords([of('new'), of('new')])).toBe('new');
    expect(statesInWords([of('open')])).toBe('still open');
    expect(statesInWords([of('new'), of('open'), of('new')])).toBe('2 new, 1 still open');
  });

  it('have the day since when a finding is open, the earliest of several', () => {
    expect(datedStates([of('open')])).toBe('open since 2026-01-02');
    expect(datedStates([of('new'), of('open', '2026-01-01'), of('open', '2025-12-30')])).toBe(
      '1 new, 2 open since 2025-12-30 or later',
    );
    expect(datedStates([of('pending', '2026-01-01')])).toBe('pending');
    expect(openSince([of('open', '2026-01-01'), of('open', '2026-01-01')])).toBe('open since 2026-01-01');
  });
});
