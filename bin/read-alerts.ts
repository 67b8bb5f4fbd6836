/** Destinations and thresholds from a file: netns-audit.yaml, or only its parts `destinations` and `thresholds`. */
import { type Notifier, notifiersOf } from '../lib/alert/index.ts';
import { readPart } from '../lib/config/read.ts';
import { alertsSchema, type Thresholds } from '../lib/model/config.ts';

export type Alerts = { readonly notifiers: readonly Notifier[]; readonly thresholds: Thresholds };

/** @throws AuditError CONFIG_INVALID that names the file and each mistake in it, or the missing secret */
export function readAlerts(file: string): Alerts {
  const { destinations, thresholds } = readPart(file, alertsSchema, 'docs/destinations.md has examples');
  return { notifiers: notifiersOf(destinations, process.env), thresholds };
}
