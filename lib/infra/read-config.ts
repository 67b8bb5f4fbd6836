/** Reads netns-audit.yaml. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { type Config, configSchema } from '../model/config.ts';
import { AuditError, messageOf } from '../model/errors.ts';

/** @throws AuditError CONFIG_INVALID that names the file and each wrong line of it. */
export function readConfig(file: string): Config {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(file, messageOf(error), error);
  }
  const config = configSchema.safeParse(content ?? {});
  if (!config.success) throw invalid(file, z.prettifyError(config.error), config.error);
  return config.data;
}

function invalid(file: string, message: string, cause: unknown): AuditError {
  return new AuditError('CONFIG_INVALID', `${file}: ${message}`, {
    cause,
    remedy: 'Correct it; docs/operations.md has an example, schema/config.v1.json every field.',
  });
}
