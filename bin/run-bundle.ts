import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renameEvidence } from '../lib/audit/index.ts';
import { AuditError, messageOf } from '../lib/model/errors.ts';
import { printable } from '../lib/model/printable.ts';
import { counted } from '../lib/model/text.ts';
import { jsonText } from '../lib/report/index.ts';
import { archives, filesOf } from './evidence-files.ts';

/** Unchanged names that are listed; the copies show all of them. */
const SHOWN = 20;

/**
 * Writes copies of evidence under other names, and lists the names that stay.
 *
 * @throws AuditError BUNDLE_INVALID if it is not evidence, or would be judged differently under other names; USAGE
 *   if it cannot be written
 */
export async function runBundle(
  paths: readonly string[],
  { out, names }: { readonly out: string; readonly names?: string },
): Promise<void> {
  const files = await filesOf(paths);
  const renamed = await renameEvidence(() => archives(files));
  try {
    await mkdir(out);
    for (const { node, archive } of renamed.archives) await writeFile(join(out, `${node}.tar.gz`), archive);
    if (names !== undefined)
      await writeFile(names, `${jsonText(Object.fromEntries(renamed.names), 2)}\n`, {
        flag: 'wx',
        mode: 0o600,
      });
  } catch (error) {
    throw new AuditError('USAGE', `the copies could not be written: ${messageOf(error)}`, {
      remedy: 'Choose a folder with --out that does not exist yet, and a file with --names that does not.',
      cause: error,
    });
  }
  const { kept, findings } = renamed;
  const more = kept.length > SHOWN ? ` and ${kept.length - SHOWN} more` : '';
  process.stdout.write(
    `${out}: evidence of ${counted(renamed.archives.length, 'node')}, ${counted(renamed.names.size, 'name')} replaced. Analyzed again, it gives the same ${counted(findings, 'finding')}.
${
  kept.length === 0
    ? ''
    : `Not replaced, because they are short, hexadecimal or words of the evidence format: ${kept
        .slice(0, SHOWN)
        .map((name) => printable(name, 60))
        .join(', ')}${more}.\n`
}Addresses, IDs, program names and the kernel log are not changed: check them before you share the copy.
`,
  );
}
