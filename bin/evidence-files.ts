/** Kept evidence, as commands receive it. */
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditError, messageOf } from '../lib/model/errors.ts';

/** One at a time: a large cluster has more nodes than a process may open files, and more evidence than memory. */
export function* archives(files: readonly string[]): Generator<Uint8Array> {
  for (const file of files) {
    let archive: Uint8Array;
    try {
      archive = readFileSync(file);
    } catch (error) {
      throw unreadable(error);
    }
    if (archive[0] !== 0x1f || archive[1] !== 0x8b)
      throw new AuditError('USAGE', `${file} is not evidence, which is kept as NODE.tar.gz`, {
        remedy:
          'Name files or a folder below evidence/ in the store. To show a report: netns-audit reports show.',
      });
    yield archive;
  }
}

/** The files that paths name; a folder means the files in it. @throws AuditError USAGE where there is none */
export async function filesOf(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  try {
    for (const path of paths) {
      if (!(await stat(path)).isDirectory()) {
        files.push(path);
        continue;
      }
      const inside = (await readdir(path)).filter((name) => name.endsWith('.tar.gz'));
      if (inside.length === 0) throw new Error(`${path} holds no NODE.tar.gz`);
      for (const name of inside) files.push(join(path, name));
    }
    return files;
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): AuditError {
  return new AuditError('USAGE', messageOf(error), {
    cause: error,
    remedy: 'Name files or a folder below evidence/ in the store.',
  });
}
