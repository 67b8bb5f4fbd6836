/** The licences of the packages that are bundled into the package. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import * as z from 'zod';

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default('see below'),
});

/** @throws Error if a package does not state its licence: then it is unclear whether it may be redistributed */
export function thirdPartyText(root: string, metafiles: readonly Metafile[]): string {
  const folders = new Set(
    metafiles
      .flatMap(({ inputs }) => Object.keys(inputs))
      .flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []),
  );
  const parts = [...folders].map((folder) => {
    const { name, version, license } = manifest.parse(
      JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
    );
    const files = globSync('{LICEN[CS]E,NOTICE,licen[cs]e}*', { cwd: join(root, folder) }).toSorted();
    const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    if (texts.length === 0 && license === 'see below') throw new Error(`${name} has no licence`);
    return { title: `${name} ${version} (${license})`, text: texts.join('\n\n') };
  });
  // Many packages have the same licence, so each text appears once, below the packages that use it.
  const byText = Map.groupBy(parts, ({ text }) => text);
  const sections = [...byText].map(([text, those]) =>
    [...new Set(those.map(({ title }) => title))].toSorted().concat('', text).join('\n').trimEnd(),
  );
  return `The program and the functions hold code of these packages.\n\n${sections.toSorted().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
