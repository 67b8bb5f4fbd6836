import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const entry = z.object({
  optionalDependencies: z.record(z.string(), z.string()).optional(),
  resolved: z.string().optional(),
  dev: z.boolean().optional(),
  version: z.string().optional(),
  integrity: z.string().optional(),
});
const lock = z
  .object({ packages: z.record(z.string(), entry) })
  .parse(JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')));

describe('package-lock.json', () => {
  it('names the optional packages of every platform, or npm ci refuses it: npm run lock', () => {
    const missing = Object.entries(lock.packages).flatMap(([parent, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) =>
          /[-/](?:android|darwin|freebsd|linux|win32)-/.test(name) &&
          !(`node_modules/${name}` in lock.packages) &&
          !(`${parent}/node_modules/${name}` in lock.packages),
      ),
    );
    expect(missing).toEqual([]);
  });

  it('has a digest of every package that is shipped', () => {
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    expect(shipped.length).toBeGreaterThan(50);
    const without = shipped.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''));
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it('leaves where packages are fetched from to each user', () => {
    expect(Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });
});

describe('the bill of materials', () => {
  const made = (): string =>
    execFileSync(process.execPath, [fileURLToPath(new URL('../scripts/sbom.ts', import.meta.url))], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });

  it('is CycloneDX 1.6, the same to the byte each time, of every package that is shipped', () => {
    const text = made();
    expect(made()).toBe(text);
    const bom = z
      .object({
        bomFormat: z.literal('CycloneDX'),
        specVersion: z.literal('1.6'),
        components: z.array(
          z.object({
            group: z.string().optional(),
            name: z.string(),
            version: z.string(),
            purl: z.string().startsWith('pkg:npm/'),
            hashes: z.array(z.object({ alg: z.literal('SHA-512'), content: z.string().length(128) })),
            licenses: z.array(z.object({ expression: z.string().min(2) })).length(1),
          }),
        ),
        dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
      })
      .parse(JSON.parse(text));
    const listed = new Set(
      bom.components.map(
        ({ group, name, version }) => `${group === undefined ? '' : `${group}/`}${name}@${version}`,
      ),
    );
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    const missing = shipped.filter(
      ([path, { version }]) => !listed.has(`${path.replace(/^.*node_modules\//, '')}@${version}`),
    );
    expect(missing.map(([path]) => path)).toEqual([]);
    // Each of them is there because something needs it.
    const needed = new Set(bom.dependencies.flatMap(({ dependsOn }) => dependsOn));
    expect(bom.components.map(({ purl }) => purl).filter((purl) => !needed.has(purl))).toEqual([]);
  });
});
