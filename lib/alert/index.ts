/** Decides what is worth a message, words it and sends it. */
export { changesOf, isNews } from './changes.ts';
export { notifiersOf } from './destinations.ts';
export { type ClusterLine, digestOf } from './digest.ts';
export type { EventBus } from './event-bus.ts';
export { auditEventSchema, eventsOf, findingEventSchema } from './events.ts';
export type { FindingImporter } from './finding-importer.ts';
export type { ReportLinks } from './links.ts';
export { clusterMessage, type Message } from './message.ts';
export { type Notifier, SnsNotifier } from './notifier.ts';
export { type AlertRecord, alertRecordSchema, type Undelivered } from './record.ts';
export { securityHubFindings } from './security-hub.ts';
export { testMessage } from './test-message.ts';
export { coverageShare } from './thresholds.ts';
