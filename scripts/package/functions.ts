/** The code of all functions, in which most files are the same: each is kept once, and by Brotli, an eighth smaller than npm packs it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { type FunctionsIndex, folderOf } from '../../lib/infra/built-functions.ts';
import { bundle } from '../../lib/infra/bundle.ts';
import { STATES } from '../../lib/infra/states.ts';

export function writeFunctions(outdir: string): void {
  mkdirSync(join(outdir, 'files'), { recursive: true });
  const index: FunctionsIndex = {};
  // Findings go to Security Hub from one of them.
  for (const state of STATES)
    for (const securityHub of state === 'conclude-cluster' ? [false, true] : [false])
      index[folderOf(state, securityHub)] = keep(bundle(state, { securityHub }), join(outdir, 'files'));
  writeFileSync(join(outdir, 'index.json'), `${JSON.stringify(index, null, 1)}\n`);
}

function keep(folder: string, pool: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => {
        const content = readFileSync(join(folder, file));
        const name = createHash('sha256').update(content).digest('hex').slice(0, 32);
        if (!existsSync(join(pool, name))) writeFileSync(join(pool, name), brotliCompressSync(content));
        return [file, name];
      }),
  );
}
