/** Replaces bundle.ts in the package: bundle.ts built the functions' code when the package was built. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import * as z from 'zod';
import type { State } from './states.ts';

/** Where each folder's files begin and end in functions/code.br, once unpacked; identical files are stored once. */
const indexSchema = z.record(z.string(), z.record(z.string(), z.tuple([z.int(), z.int()])));
export type FunctionsIndex = z.infer<typeof indexSchema>;

const made = new Map<string, string>();
let unpacked: Buffer | null = null;

/** @returns the folder, with index.mjs in it; created once per process */
export function bundle(state: State, { securityHub = false } = {}): string {
  const name = folderOf(state, securityHub);
  const folder = made.get(name) ?? make(name);
  made.set(name, folder);
  return folder;
}

/** Its name in the index. */
export function folderOf(state: State, securityHub: boolean): string {
  return securityHub ? `${state}-security-hub` : state;
}

function make(name: string): string {
  const functions = new URL('../../functions/', import.meta.url);
  const index = indexSchema.parse(JSON.parse(readFileSync(new URL('index.json', functions), 'utf8')));
  const folder = mkdtempSync(join(tmpdir(), `netns-auditor-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  unpacked ??= brotliDecompressSync(readFileSync(new URL('code.br', functions)));
  for (const [file, [start, end]] of Object.entries(index[name] ?? {})) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), unpacked.subarray(start, end));
  }
  return folder;
}
