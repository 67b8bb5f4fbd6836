/** The published JSON Schemas, generated from the models that read and write the same documents. */
import { z } from 'zod';
import { auditEventSchema, findingEventSchema } from '../lib/alert/index.ts';
import { configSchema } from '../lib/model/config.ts';
import { findingRowSchema } from '../lib/model/finding.ts';
import { reportSchema } from '../lib/model/report.ts';

/** File content by name; the same in every run. */
export function schemas(): Record<string, string> {
  return {
    'config.v1.json': text(configSchema, {
      $id: 'urn:netns-auditor:schema:config.v1',
      title: 'netns-audit.yaml',
      description: 'The clusters of a fleet, when and how they are audited, and whom to tell.',
    }),
    'report.v1.json': text(reportSchema, {
      $id: 'urn:netns-auditor:schema:report.v1',
      title: 'ClusterReport',
      description: 'What one audit of one cluster found: report.json.',
    }),
    'finding.v1.json': text(findingRowSchema, {
      $id: 'urn:netns-auditor:schema:finding.v1',
      title: 'FindingRow',
      description: 'One line of findings/…/<runId>.ndjson.gz, and of `-o ndjson`.',
    }),
    'event.v1.json': text(z.union([findingEventSchema, auditEventSchema]), {
      $id: 'urn:netns-auditor:schema:event.v1',
      title: 'Event',
      description:
        'The detail of an event on the event bus, of source netns-auditor: of `Finding changed`, and of `Cluster audited`.',
    }),
  };
}

function text(schema: z.ZodType, head: { $id: string; title: string; description: string }): string {
  // Generated for input, unknown keys are allowed: a later minor version can add fields without breaking
  // validation.
  const { $schema, ...body } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return `${JSON.stringify({ $schema, ...head, ...body }, null, 2)}\n`;
}
