/**
 * The code of all functions in one Brotli file: they share much code, which in a window of 16 MiB costs next
 * to nothing.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { type FunctionsIndex, folderOf } from '../../lib/infra/built-functions.ts';
import { bundle } from '../../lib/infra/bundle.ts';
import { STATES } from '../../lib/infra/states.ts';

/**
 * Bundles each variant of each function once for a package, with an index by state (`FunctionsIndex`).
 * @param outdir - created if it is missing
 */
export function writeFunctions(outdir: string): void {
  mkdirSync(outdir, { recursive: true });
  const index: FunctionsIndex = {};
  const code = new Joined();
  // One of the variants sends findings to Security Hub.
  for (const state of STATES)
    for (const securityHub of state === 'conclude-cluster' ? [false, true] : [false])
      index[folderOf(state, securityHub)] = code.addFolder(bundle(state, { securityHub }));
  writeFileSync(
    join(outdir, 'code.br'),
    brotliCompressSync(code.bytes(), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }),
  );
  writeFileSync(join(outdir, 'index.json'), `${JSON.stringify(index, null, 1)}\n`);
}

/** Concatenates files, with identical ones once. */
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
