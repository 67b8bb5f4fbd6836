/** What is worth a message, its words, and the way it takes. */
export { type AlertRecord, alertRecordSchema, changesOf, coverageShare, isNews } from './changes.ts';
export { type Links, messageOf } from './message.ts';
export { type Notifier, SnsNotifier } from './notifier.ts';
