/** The types of the construct, for TypeScript 5.8 and newer. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';

/** Writes index.d.ts and the declarations it imports, and none of the compiler's other output. */
export async function writeDeclarations(root: string, outdirs: readonly string[]): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'netns-auditor-types-'));
  try {
    const config = join(scratch, 'tsconfig.json');
    writeFileSync(
      config,
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          noEmit: false,
          declaration: true,
          emitDeclarationOnly: true,
          outDir: join(scratch, 'types'),
          rootDir: root,
          typeRoots: [join(root, 'node_modules/@types')],
        },
        include: [],
        files: [join(root, 'index.ts')],
      }),
    );
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', config], { stdio: 'inherit' });
    for (const file of reachable(join(scratch, 'types'), 'index.d.ts')) {
      const text = readFileSync(join(scratch, 'types', file), 'utf8');
      for (const outdir of outdirs) {
        await mkdir(dirname(join(outdir, file)), { recursive: true });
        writeFileSync(join(outdir, file), text.replaceAll(IMPORT, "from '$1.js'"));
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const IMPORT = /from '(\.[^']+)\.ts'/g;

function reachable(folder: string, file: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const [, module = ''] of readFileSync(join(folder, file), 'utf8').matchAll(IMPORT))
    reachable(folder, `${normalize(join(dirname(file), module))}.d.ts`, known);
  return known;
}
