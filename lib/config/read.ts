/** Reads netns-audit.yaml, or the part that a caller needs. */
import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { type Config, configSchema, whyBatchIsTooLong } from '../model/config.ts';
import { AuditError, codeOf, whyUnreadable } from '../model/errors.ts';
import { type ExaminedConfig, examineConfig, type Mistake } from './examine.ts';

const SHOWN = 50;

/** What functions of a stack on AWS cannot do, or do not have. */
const stackConfigSchema = configSchema.superRefine((config, context) => {
  const wrong = (path: PropertyKey[], message: string): void =>
    context.addIssue({ code: 'custom', path, message });
  const tooLong = whyBatchIsTooLong(config);
  if (tooLong !== null) wrong(['concurrency'], tooLong);
  for (const [index, cluster] of config.clusters.entries())
    if ('kubeconfig' in cluster)
      wrong(
        ['clusters', index, 'kubeconfig'],
        'Functions on AWS do not have your kubeconfig: give its kubeconfigSecret instead, or eks.',
      );
});

/** @throws AuditError CONFIG_INVALID that names the file and each mistake with its line and column. */
export function readConfig(file: string): Config {
  return readPart(file, configSchema, 'docs/operations.md has an example');
}

/** The same, also checked for functions of a stack on AWS. @throws AuditError CONFIG_INVALID, as {@link readConfig} */
export function readStackConfig(file: string): Config {
  return readPart(file, stackConfigSchema, 'docs/operations.md has an example');
}

/**
 * @param schema - of the part; it must accept the rest of the file
 * @param examples - where to find examples
 * @throws AuditError CONFIG_INVALID, as {@link readConfig}
 */
export function readPart<T>(file: string, schema: z.ZodType<T>, examples: string): T {
  const { value, mistakes } = examineFile(file, schema);
  if (mistakes === undefined) return value;
  throw mistakesError(file, mistakes, examples);
}

/** The error for a file with mistakes, wherever it is read. */
export function mistakesError(file: string, mistakes: readonly Mistake[], examples: string): AuditError {
  return new AuditError('CONFIG_INVALID', mistakesText(file, mistakes), {
    remedy: `Correct it; ${examples}, schema/config.v1.json every field.`,
  });
}

/** @throws AuditError CONFIG_INVALID if the file cannot be read */
export function examineFile<T>(file: string, schema: z.ZodType<T>): ExaminedConfig<T> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT';
    throw new AuditError(
      'CONFIG_INVALID',
      `${file}: ${isMissing ? 'there is no such file' : whyUnreadable(error)}`,
      {
        cause: error,
        remedy: isMissing
          ? 'Name another one, or write one: netns-audit init'
          : 'Make it a file that can be read.',
      },
    );
  }
  return examineConfig(text, schema);
}

/** One line per mistake, in the format of compilers and editors: FILE:LINE:COLUMN: what. */
function mistakesText(file: string, mistakes: readonly Mistake[]): string {
  const lines = mistakes
    .slice(0, SHOWN)
    .map(
      ({ line, column, path, message }) =>
        `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`,
    );
  if (mistakes.length > SHOWN) lines.push(`… and ${mistakes.length - SHOWN} more`);
  return [
    `${file} has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:`,
    ...lines,
  ].join('\n');
}
