/** Exceptions from a file: netns-audit.yaml, or one with nothing but its part `exceptions`. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { exceptionsFor } from '../lib/diagnosis/exceptions.ts';
import { AuditError, messageOf } from '../lib/model/errors.ts';
import { type Exception, exceptionsSchema } from '../lib/model/exception.ts';
import { printable } from '../lib/model/printable.ts';

const fileSchema = z.looseObject({ exceptions: exceptionsSchema });

/** @throws AuditError CONFIG_INVALID that names the file and each wrong line of it. */
export function readExceptions(file: string | undefined): Exception[] {
  if (file === undefined) return [];
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(file, messageOf(error), error);
  }
  const read = fileSchema.safeParse(content ?? {});
  if (!read.success) throw invalid(file, z.prettifyError(read.error), read.error);
  return read.data.exceptions;
}

/** Says on standard error that none of them is for the cluster: on the command line its name is that of the context or EKS cluster. */
export function noteOtherClusters(exceptions: readonly Exception[], cluster: string): void {
  if (exceptions.length === 0 || exceptionsFor(exceptions, cluster).length > 0) return;
  const name = printable(cluster, 300);
  process.stderr.write(
    `No exception is for this cluster, which is named ${name} here: see their clusters.\n`,
  );
}

function invalid(file: string, message: string, cause: unknown): AuditError {
  return new AuditError('CONFIG_INVALID', `${file}: ${message}`, {
    cause,
    remedy:
      'Correct its part `exceptions`; docs/exceptions.md has an example, schema/config.v1.json every field.',
  });
}
