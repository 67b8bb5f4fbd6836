/** The code of all functions in one file of Brotli: much of it is the same in all of them, and in a window of 16 MiB costs next to nothing. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { type FunctionsIndex, folderOf } from '../../lib/infra/built-functions.ts';
import { bundle } from '../../lib/infra/bundle.ts';
import { STATES } from '../../lib/infra/states.ts';

/**
 * Bundles each function for a package, each variant once, with an index by state (`FunctionsIndex`) beside them.
 *
 * @param outdir - made where it is missing
 */
export function writeFunctions(outdir: string): void {
  mkdirSync(outdir, { recursive: true });
  const index: FunctionsIndex = {};
  const code = new Joined();
  // Findings go to Security Hub from one of them.
  for (const state of STATES)
    for (const securityHub of state === 'conclude-cluster' ? [false, true] : [false])
      index[folderOf(state, securityHub)] = code.addFolder(bundle(state, { securityHub }));
  writeFileSync(
    join(outdir, 'code.br'),
    brotliCompressSync(code.bytes(), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }),
  );
  writeFileSync(join(outdir, 'index.json'), `${JSON.stringify(index, null, 1)}\n`);
}

/** Files one after the other, those that are alike once. */
class Joined {
  readonly #places = new Map<string, [start: number, end: number]>();
  readonly #contents: Buffer[] = [];
  #length = 0;

  addFolder(folder: string): FunctionsIndex[string] {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
    return Object.fromEntries(
      files
        .filter((file) => statSync(join(folder, file)).isFile())
        .map((file) => [file, this.#add(readFileSync(join(folder, file)))]),
    );
  }

  bytes(): Buffer {
    return Buffer.concat(this.#contents);
  }

  #add(content: Buffer): [start: number, end: number] {
    const digest = createHash('sha256').update(content).digest('hex');
    const known = this.#places.get(digest);
    if (known !== undefined) return known;
    const start = this.#length;
    this.#length += content.length;
    this.#contents.push(content);
    this.#places.set(digest, [start, this.#length]);
    return [start, this.#length];
  }
}
