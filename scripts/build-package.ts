/**
 * Builds dist/, the folder that is published: `npm run build && npm pack ./dist`. docs/installing.md lists
 * its content.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FILES, PICTURES, PROGRAMS } from './package/contents.ts';
import { writeDeclarations } from './package/declarations.ts';
import { writeFunctions } from './package/functions.ts';
import { buildConstruct, buildProgram } from './package/javascript.ts';
import { packageManifest } from './package/manifest.ts';
import { thirdPartyText } from './package/third-party.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, 'bin'), { recursive: true });

copyFileSync(join(root, 'scripts/package/launcher.js'), join(dist, 'bin/netns-audit.js'));
chmodSync(join(dist, 'bin/netns-audit.js'), 0o755);
for (const file of FILES)
  if (existsSync(join(root, file)))
    cpSync(join(root, file), join(dist, file), {
      recursive: true,
      filter: (source) => source !== join(root, PICTURES),
    });

const programs = Object.entries(PROGRAMS).filter(([, module]) => existsSync(join(root, module)));
const metafiles = [await buildProgram(root, join(dist, 'program'), Object.fromEntries(programs))];
for (const [name, module] of programs.filter(([, module]) => module.startsWith('lib/'))) {
  const place = join(dist, module.replace(/\.ts$/, '.js'));
  const up = '../'.repeat(module.split('/').length - 1);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, `import '${up}program/${name}.js';\n`);
}

metafiles.push(await buildConstruct(root, join(dist, 'construct/index.js'), 'esm'));
metafiles.push(await buildConstruct(root, join(dist, 'construct-cjs/index.js'), 'cjs'));
writeFileSync(join(dist, 'construct-cjs/package.json'), '{ "type": "commonjs" }\n');
await writeDeclarations(root, [join(dist, 'construct'), join(dist, 'construct-cjs')]);

writeFunctions(join(dist, 'functions'));
writeFileSync(join(dist, 'THIRD-PARTY.txt'), thirdPartyText(root, metafiles));
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(packageManifest(root), null, 2)}\n`);
