import { expect, it } from 'vitest';
import { beganBetween } from '../../lib/report/began.ts';

const night = (day: number) => `2026-11-${day < 10 ? '0' : ''}${day}T02:04:00Z`;
const seen = (lastWithout: number | null, first: number, returned: number | null = null) => ({
  firstSeen: night(first),
  returnedAt: returned === null ? null : night(returned),
  lastWithout: lastWithout === null ? null : night(lastWithout),
});

it('names the last audit without a fault and the first with it', () => {
  expect(beganBetween([seen(28, 29), seen(28, 29)])).toBe(
    'Began between 2026-11-28 02:04 UTC (last audit without it) and 2026-11-29 02:04 UTC (first audit with it).',
  );
  expect(beganBetween([seen(28, 5, 29)])).toMatch(/^Came back between 2026-11-28 02:04 UTC/);
});

it('names the first and the last of several', () => {
  expect(beganBetween([seen(20, 21), seen(8, 9), seen(28, 3, 29)])).toBe(
    'Began or came back at different times: the first between 2026-11-08 02:04 UTC and 2026-11-09 02:04 UTC, the last ' +
      'between 2026-11-28 02:04 UTC and 2026-11-29 02:04 UTC.',
  );
});

it('says nothing where it is unknown of one, or only a later return is known', () => {
  expect(beganBetween([seen(28, 29), seen(null, 29)])).toBeNull();
  expect(beganBetween([{ firstSeen: night(1), returnedAt: null }])).toBeNull();
  expect(beganBetween([seen(12, 5)])).toBeNull();
});
