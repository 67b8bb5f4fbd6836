import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipped, padded, table, widthOf, wrapped } from '../../lib/report/index.ts';
import { clippedInside } from '../../lib/report/width.ts';

describe('the width of text in a terminal', () => {
  it.each([
    ['plain letters', 'web-1', 5],
    ['letters with an accent of their own', 'é', 1],
    ['letters with a combining accent', 'e\u0301', 1],
    ['Chinese', '网络', 4],
    ['Japanese, with its full stop', 'ネット。', 8],
    ['Korean', '네트워크', 8],
    ['letters as wide as these', 'ＡＢ', 4],
    ['an emoji', '🔥', 2],
    ['our own colours', '\u001b[31mhigh\u001b[39m', 4],
  ])('counts %s', (_, text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it('is kept by what is cut or filled up to it', () => {
    expect(clipped('网络网络', 5)).toBe('网络…');
    expect(clipped('web-1', 5)).toBe('web-1');
    expect(padded('网', 4)).toBe('网  ');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
        expect(widthOf(clipped(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('is that of every line but for words that are longer, and no word is lost', () => {
    const word = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .map((text) => text.replaceAll(' ', '-'));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 8, max: 40 }), (words, columns) => {
        const lines = wrapped(words, columns);
        for (const line of lines) if (line.includes(' ')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        expect(lines.join(' ')).toBe(words.join(' '));
      }),
    );
  });
});

describe('a table', () => {
  const rows = [
    ['cluster', 'verdict', 'run'],
    ['网络', 'critical', '20260102T030405Z-0a1b2c3d'],
  ];
  it('has its columns one below the other, also below wide letters', () => {
    expect(table(rows)).toBe('cluster  verdict   run\n网络     critical  20260102T030405Z-0a1b2c3d\n');
  });

  it('puts what a terminal has no room for on a line below', () => {
    expect(table(rows, 43)).toBe(
      'cluster  verdict\n    run\n网络     critical\n    20260102T030405Z-0a1b2c3d\n',
    );
    expect(table(rows, 44)).toBe(table(rows));
  });
});

describe('text cut inside', () => {
  it('keeps start and end in the columns that there are', () => {
    expect(clippedInside('web-1', 5)).toBe('web-1');
    expect(clippedInside('shop/web-1 on node-1', 11)).toBe('shop/…ode-1');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(widthOf(clippedInside(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
