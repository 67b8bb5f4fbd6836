/**
 * What the store keeps of each run's message, or of its silence: the next run reports only what is not
 * recorded here.
 */
import * as z from 'zod';
import { findingSchema } from '../model/finding.ts';

/** Records of the first versions lack it. */
const UNKNOWN = '1970-01-01T00:00:00Z';

const reportedFindingSchema = findingSchema
  .pick({ fingerprint: true, severity: true, check: true, object: true })
  .extend({
    gone: z.boolean().default(false).describe('It is over; remembered for a week, in case it comes back.'),
    changedAt: z.iso.datetime().default(UNKNOWN).describe('When it last came or went.'),
    returns: z.int().default(0).describe('Times it came back, never a week without a change in between.'),
    flapping: z.boolean().default(false).describe('It was reported as flapping.'),
    at: z.iso.datetime().default(UNKNOWN).describe('When it was last reported, or sent as a reminder.'),
  });
/** A reported finding. */
export type ReportedFinding = z.infer<typeof reportedFindingSchema>;

const thresholdStateSchema = z.object({
  key: z.string().describe('What is measured, in words; the same in every run.'),
  crossed: z.boolean(),
  changedAt: z.iso.datetime(),
  returns: z.int().describe('Times it was crossed again, never a week without a change in between.'),
  at: z.iso.datetime().describe('When it was last reported, or sent as a reminder.'),
});
/** A threshold that is crossed, or was within the last week. */
export type ThresholdState = z.infer<typeof thresholdStateSchema>;

/** A message kept for an unavailable destination. */
const messageSchema = z.object({
  subject: z.string(),
  text: z.string(),
  json: z.string(),
  chat: z.string(),
  attributes: z.object({
    kind: z.enum(['change', 'digest']),
    severity: z.string(),
    cluster: z.string(),
    newFindings: z.int(),
    checks: z.array(z.string()),
  }),
});

const undeliveredSchema = z.object({ to: z.string(), message: messageSchema });

const recordSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal('AlertRecord'),
  runId: z.string(),
  cluster: z.string(),
  uid: z.string().default('').describe('Of kube-system; empty while the cluster was never reached.'),
  at: z.iso.datetime().describe('When the run began.'),
  auditedAt: z.iso.datetime().nullable().default(null).describe('When the last run that reached it began.'),
  message: z
    .object({ id: z.string(), to: z.string(), subject: z.string(), text: z.string() })
    .nullable()
    .describe('Null if there was nothing to report.'),
  undelivered: z
    .array(undeliveredSchema)
    .optional()
    .describe(
      'Messages that some destinations accepted and others did not, oldest first: the next run tries again.',
    ),
  told: z.array(reportedFindingSchema).describe('Findings that were reported.'),
  excepted: z
    .array(z.object({ fingerprint: z.string(), owner: z.string(), expires: z.string() }))
    .default([])
    .describe('Findings that exceptions cover.'),
  thresholds: z.array(thresholdStateSchema).default([]),
});
export type Undelivered = z.infer<typeof undeliveredSchema>;
export type AlertRecord = z.infer<typeof recordSchema>;

/** Reads a record. An old one without report times must not trigger reminders for everything at once. */
export const alertRecordSchema = recordSchema.transform(
  (record): AlertRecord => ({
    ...record,
    told: record.told.map((each) => (each.at === UNKNOWN ? { ...each, at: record.at } : each)),
  }),
);
