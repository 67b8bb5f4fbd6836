/** The generated parts of the Helm chart: the manifests, copied without changes, and the schema of its values. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { thresholdsSchema } from '../lib/model/config.ts';
import { destinationsSchema } from '../lib/model/destination.ts';
import { exceptionsSchema } from '../lib/model/exception.ts';

const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
/** Chart values are empty if not set. */
const maybe = (schema: z.ZodType): z.ZodType => z.union([z.literal(''), schema]);

const valuesSchema = z.strictObject({
  clusterName: z
    .string()
    // Empty is refused by a template, whose message is easier to read.
    .regex(/^[\w.:/@-]{0,100}$/)
    .describe('Name of the cluster in reports and messages: letters, digits and . _ : / @ -.'),
  image: z.strictObject({
    // Without a tag, which has its own value.
    repository: z.string().regex(/^([\w.-]+(:\d+)?\/)?[\w.-]+(\/[\w.-]+)*$/),
    tag: maybe(z.string().regex(/^(sha256:[0-9a-f]{64}|[\w.-]{1,128})$/)),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    pullSecrets: z.array(name),
  }),
  // A template looks at each field: its message says which is wrong.
  schedule: z
    .string()
    .regex(/^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|[\w*?,/-]+( +[\w*?,/-]+){4})$/),
  timeZone: z.string().regex(/^[A-Za-z][\w+/-]*$/),
  deadlineSeconds: z.int().min(60).max(86_400),
  store: z.strictObject({
    volume: z.strictObject({
      size: z.string().regex(/^[1-9]\d*(Mi|Gi|Ti)$/),
      storageClass: maybe(name),
      existingClaim: maybe(name),
    }),
    s3: z.strictObject({
      bucket: maybe(z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)),
      prefix: z.string().regex(/^[\w./=-]*$/),
      region: z.string().regex(/^[\w-]+$/),
      endpoint: maybe(z.string().regex(/^https?:\/\/\S+$/)),
    }),
  }),
  retention: z.strictObject({ evidenceDays: z.int().min(1), reportDays: z.int().min(30) }),
  destinations: destinationsSchema,
  thresholds: thresholdsSchema,
  exceptions: exceptionsSchema,
  secretName: maybe(name),
  caCertificates: maybe(z.string().regex(/^-----BEGIN CERTIFICATE-----\n/)),
  probe: z.strictObject({
    image: z.string().regex(/^[\w.:/@-]+$/),
    pullSecret: maybe(name),
    deadline: z.string().regex(/^[1-9]\d*[sm]$/),
    concurrency: z.int().min(1),
  }),
  rbac: z.boolean(),
  admissionPolicy: z.boolean(),
  serviceAccount: z.strictObject({ annotations: z.record(z.string(), z.string()) }),
  resources: z.looseObject({}),
  nodeSelector: z.record(z.string(), z.string()),
  tolerations: z.array(z.looseObject({})),
  global: z.looseObject({}).optional().describe('Helm gives it to every chart.'),
});

/** One entry by its kind, as the errors of a `oneOf` are those of all kinds. */
function byKind(oneOf: readonly z.core.JSONSchema.JSONSchema[]): z.core.JSONSchema.JSONSchema {
  const kinds = oneOf.map((each) => ({ each, kind: each.properties?.kind }));
  return {
    type: 'object',
    required: ['kind'],
    properties: {
      kind: { enum: kinds.flatMap(({ kind }) => (typeof kind === 'object' ? [kind.const ?? null] : [])) },
    },
    allOf: kinds.map(({ each, kind }) => ({
      if: { required: ['kind'], properties: { kind: kind ?? false } },
      // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema.
      then: each,
    })),
  };
}

/** File content by path below deploy/chart/netns-auditor; the same in every run. */
export function chartFiles(): Record<string, string> {
  const deploy = (file: string): string =>
    readFileSync(new URL(`../deploy/${file}`, import.meta.url), 'utf8');
  const schema = z.toJSONSchema(valuesSchema, {
    target: 'draft-7',
    io: 'input',
    override({ path, jsonSchema }) {
      if (path.join('.') !== 'properties.destinations.items') return;
      Object.assign(jsonSchema, byKind(jsonSchema.oneOf ?? []));
      delete jsonSchema.oneOf;
    },
  });
  return {
    'values.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
    'files/rbac.yaml': deploy('rbac.yaml'),
    'files/admission-policy.yaml': deploy('admission-policy.yaml'),
  };
}
