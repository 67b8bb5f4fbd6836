import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PREFIXES } from '../../lib/history/keys.ts';

it('every key is below a prefix that retention, doctor --store and the bucket know', () => {
  const source = readFileSync(new URL('../../lib/history/keys.ts', import.meta.url), 'utf8');
  const used = new Set([...source.matchAll(/[`'"]([a-z]+)\//g)].map(([, prefix]) => prefix));
  expect([...used].toSorted()).toEqual(Object.keys(PREFIXES).toSorted());
});
