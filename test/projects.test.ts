/**
 * A unit test is pure, so that all of them can run at each save: tests that start something are listed in
 * projects.ts.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { E2E, INTEGRATION, LAB, PACKAGE } from './projects.ts';

const root = new URL('../', import.meta.url).pathname;
const unit = globSync('test/**/*.test.ts', {
  cwd: root,
  exclude: [LAB, E2E, PACKAGE, ...INTEGRATION],
}).toSorted();

const STARTS_SOMETHING =
  /^(?:node:(?:child_process|cluster|dgram|http2?|https|net|tls|worker_threads)|playwright-core|esbuild|aws-cdk-lib|constructs|cdk-nag|undici|@aws-sdk|@kubernetes|@duckdb)(?:$|\/)|^bin\/main\.ts$|^lib\/infra\//;

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
  );
}

/** The paths from a test through other files of test/ to something that it may not import. */
function impure(file: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return importsOf(file).flatMap((target) =>
    STARTS_SOMETHING.test(target)
      ? [`${file} imports ${target}`]
      : target.startsWith('test/')
        ? impure(target, seen)
        : [],
  );
}

describe('unit tests', () => {
  it.each(unit)('%s starts no server, process or browser (else list it in test/projects.ts)', (file) => {
    expect(impure(file)).toEqual([]);
  });

  it('are most of the tests', () => {
    expect(unit.length).toBeGreaterThan(100);
  });
});

it.each(INTEGRATION)('%s is there', (pattern) => {
  expect(globSync(pattern, { cwd: root })).not.toEqual([]);
});
