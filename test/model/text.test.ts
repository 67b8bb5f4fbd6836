import { describe, expect, it } from 'vitest';
import { firstOf, listed, quote, rowsOf, withRemedy } from '../../lib/model/text.ts';

describe('lists that are cut', () => {
  const letters = ['a', 'b', 'c', 'd', 'e'];

  it('say how many they left out', () => {
    expect(listed(letters, 3)).toBe('a, b, c and 2 more');
    expect(listed(letters, 3, '; ')).toBe('a; b; c and 2 more');
    expect(firstOf<string, string>(letters, 4, (each) => each, String)).toEqual(['a', 'b', 'c', 'd', '1']);
  });

  it('say nothing more when nothing is left out', () => {
    expect(listed(letters, 5)).toBe('a, b, c, d, e');
    expect(listed([])).toBe('');
  });

  it('count items, not the rows that are made of each', () => {
    const rows = rowsOf(letters, 2, (letter) =>
      ['first', 'last'].map((end) => ({ what: `${end} of ${letter}`, actual: letter, source: 'dmesg' })),
    );
    expect(rows.map(({ what, actual }) => `${what}: ${actual}`)).toEqual([
      'first of a: a',
      'last of a: a',
      'first of b: b',
      'last of b: b',
      'not listed here: 3 more',
    ]);
  });
});

it('quotes anything in one line without what could move a cursor or turn the text', () => {
  expect(quote('a\u001b[2J\nb\u202ec', 20)).toBe('a [2J b c');
  expect(quote('x'.repeat(30), 5)).toBe('xxxx…');
});

describe('what went wrong, and what to do', () => {
  it.each([
    ['no credentials of the default providers', 'no credentials of the default providers. Look.'],
    ['it hangs!', 'it hangs! Look.'],
    ['the answer was cut…', 'the answer was cut… Look.'],
  ])('are two sentences: %s', (message, expected) => {
    expect(withRemedy(message, 'Look.')).toBe(expected);
  });
});
