/** Exceptions from a file: netns-audit.yaml, or one with nothing but its part `exceptions`. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { AuditError, messageOf } from '../lib/model/errors.ts';
import { type Exception, exceptionsSchema } from '../lib/model/exception.ts';

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

function invalid(file: string, message: string, cause: unknown): AuditError {
  return new AuditError('CONFIG_INVALID', `${file}: ${message}`, {
    cause,
    remedy:
      'Correct its part `exceptions`; docs/exceptions.md has an example, schema/config.v1.json every field.',
  });
}
