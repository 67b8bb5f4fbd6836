import { describe, expect, it } from 'vitest';
import { reaches } from '../../lib/report/forecast.ts';

const DAY = 86_400_000;
const nights = (values: readonly number[]) => values.map((value, n) => ({ at: n * DAY, value }));

describe('when a limit is reached', () => {
  it('is where the line of the last nights meets it', () => {
    expect(reaches(nights([50, 52, 54, 56, 58, 60]), 100)).toBe(25 * DAY);
    const uneven = reaches(nights([50, 53, 53, 57, 57, 60]), 100) ?? 0;
    expect(uneven / DAY).toBeGreaterThan(23);
    expect(uneven / DAY).toBeLessThan(29);
  });

  it('is not told of what stands still, falls, or goes up and down', () => {
    expect(reaches(nights([50, 50, 50, 50, 50]), 100)).toBeNull();
    expect(reaches(nights([60, 58, 56, 54, 52]), 100)).toBeNull();
    expect(reaches(nights([50, 90, 40, 95, 45, 91, 52]), 100)).toBeNull();
  });

  it('is not told of few nights, of more than a year ahead, and of what is reached', () => {
    expect(reaches(nights([50, 60, 70, 80]), 100)).toBeNull();
    expect(reaches(nights([1, 1.1, 1.2, 1.3, 1.4]), 100)).toBeNull();
    expect(reaches(nights([60, 70, 80, 90, 100]), 100)).toBeNull();
  });
});
