/** Runs a command line in this process. */
import { vi } from 'vitest';
import { main } from '../../bin/main.ts';

export type Said = { readonly out: string; readonly error: string; readonly code: unknown };

/** A command line's standard output, standard error and exit code. */
export async function run(...args: readonly string[]): Promise<Said> {
  const said = { out: '', error: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.error += String(text);
    return true;
  });
  process.exitCode = 0;
  try {
    await main(args);
    return { ...said, code: process.exitCode };
  } finally {
    out.mockRestore();
    error.mockRestore();
    process.exitCode = 0;
  }
}
