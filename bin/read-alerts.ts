/** Whom to tell of what, from a file: netns-audit.yaml, or one with nothing but its parts `destinations` and `thresholds`. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Notifier, notifiersOf } from '../lib/alert/index.ts';
import { alertsSchema, type Thresholds } from '../lib/model/config.ts';
import { AuditError, messageOf } from '../lib/model/errors.ts';

export type Alerts = { readonly notifiers: readonly Notifier[]; readonly thresholds: Thresholds };

/** @throws AuditError CONFIG_INVALID that names the file and each wrong line of it, or the secret that is missing */
export function readAlerts(file: string): Alerts {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(file, messageOf(error), error);
  }
  const read = alertsSchema.safeParse(content ?? {});
  if (!read.success) throw invalid(file, z.prettifyError(read.error), read.error);
  const { destinations, thresholds } = read.data;
  return { notifiers: notifiersOf(destinations, process.env), thresholds };
}

function invalid(file: string, message: string, cause: unknown): AuditError {
  return new AuditError('CONFIG_INVALID', `${file}: ${message}`, {
    cause,
    remedy:
      'Correct its parts `destinations` and `thresholds`; docs/alerts.md has examples, schema/config.v1.json every field.',
  });
}
