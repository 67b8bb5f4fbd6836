/** What is written of each repair before it begins and after it ended: `remedies/…` of the store. */
import * as z from 'zod';

export const remedyRecordSchema = z
  .object({
    schemaVersion: z.literal(1),
    kind: z.literal('RemedyRecord'),
    runId: z.string(),
    cluster: z.string(),
    act: z.enum(['recreate-pod']),
    pod: z.object({
      namespace: z.string(),
      name: z.string(),
      uid: z.string(),
      node: z.string(),
      controllerUid: z.string(),
    }),
    checks: z.array(z.string()).describe('Whose findings it repairs.'),
    by: z.string().describe('Who asked for it, as the API server knows them.'),
    at: z.iso.datetime(),
    phase: z.enum(['begun', 'done', 'failed']),
    outcome: z.string().nullable().describe('What came of it; null of one that has only begun.'),
  })
  .meta({ id: 'RemedyRecord', description: 'One repair that the tool made, or began.' });
export type RemedyRecord = z.infer<typeof remedyRecordSchema>;
