import { expect, it } from 'vitest';
import { firstFound } from '../../lib/report/first-found.ts';

const night = (day: number) => `2026-11-${day < 10 ? '0' : ''}${day}T02:04:00Z`;
const seen = (lastWithout: number | null, first: number, returned: number | null = null) => ({
  firstSeen: night(first),
  returnedAt: returned === null ? null : night(returned),
  lastWithout: lastWithout === null ? null : night(lastWithout),
});

it('names the last audit without a fault and the first with it', () => {
  expect(firstFound([seen(28, 29), seen(28, 29)])).toBe(
    'First found by the audit of 2026-11-29 02:04 UTC; the audit of 2026-11-28 02:04 UTC did not find it.',
  );
  expect(firstFound([seen(28, 5, 29)])).toMatch(/^Found again by the audit of 2026-11-29 02:04 UTC/);
});

it('names the second of audits that follow each other within a minute', () => {
  const [before, after] = ['2026-11-29T20:03:21.100Z', '2026-11-29T20:03:40.000Z'];
  expect(firstFound([{ firstSeen: after, returnedAt: null, lastWithout: before }])).toBe(
    'First found by the audit of 2026-11-29 20:03:40 UTC; the audit of 2026-11-29 20:03:21 UTC did not find it.',
  );
});

it('names the first and the last of several', () => {
  expect(firstFound([seen(20, 21), seen(8, 9), seen(28, 3, 29)])).toBe(
    'First or again found at different times: the first by the audit of 2026-11-09 02:04 UTC; the audit of ' +
      '2026-11-08 02:04 UTC did not find it; the last by the audit of 2026-11-29 02:04 UTC; the audit of ' +
      '2026-11-28 02:04 UTC did not find it.',
  );
});

it('says nothing where it is unknown of one, or only a later return is known', () => {
  expect(firstFound([seen(28, 29), seen(null, 29)])).toBeNull();
  expect(firstFound([{ firstSeen: night(1), returnedAt: null }])).toBeNull();
  expect(firstFound([seen(12, 5)])).toBeNull();
});
