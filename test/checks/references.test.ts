/** Texts that refer to another check name one that exists. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';

const root = new URL('../../', import.meta.url).pathname;
const ids = new Set(catalogue.map(({ id }) => id));

/** Texts built from a value: the possible values, or none if it is a check's own id. */
const MADE: Readonly<Record<string, readonly string[]>> = {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: as the code writes them
  'host-route-${wrong.state}': ['host-route-missing', 'host-route-misdirected'],
  '${name}': ['pod-unrouted-inbound', 'pod-unrouted-outbound'],
  '${id}': [],
  '${reported.id}': [],
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as the code writes them
};

/** Text after "see " in the code that looks like ids of checks: words joined by hyphens, or a value. */
function references(text: string): string[] {
  const one = String.raw`(?:[a-z0-9]+-)+(?:[a-z0-9]+(?![\w./-])|\$\{[^}]+\})|\$\{[^}]+\}`;
  return [...text.matchAll(new RegExp(String.raw`\bsee (${one})(?: (?:and|or) (${one}))?`, 'g'))]
    .flatMap(([, first, second]) => [first ?? '', second ?? ''])
    .filter((name) => name !== '')
    .flatMap((name) => MADE[name] ?? [name]);
}

describe('texts that say "see ID"', () => {
  const found = globSync('lib/{checks,computed,diagnosis,audit,model,report}/**/*.ts', { cwd: root })
    .toSorted()
    .flatMap((file) => references(readFileSync(join(root, file), 'utf8')).map((id) => ({ file, id })));

  it('are found', () => {
    expect(found.length).toBeGreaterThan(40);
  });

  it('name a check that exists', () => {
    expect(found.filter(({ id }) => !ids.has(id))).toEqual([]);
  });
});
