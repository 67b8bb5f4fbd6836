/** What checks conclude, and the part that a report keeps. */

import * as z from 'zod';
import { byText } from './by-text.ts';
import { namespacedName } from './namespaced-name.ts';
import { repairSchema } from './repair.ts';
import { type Severity, severities } from './severity.ts';

export { type Severity, severities };

/** True if `severity` is at least as bad as `threshold`. */
export function isAtLeast(severity: Severity, threshold: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(threshold);
}

/**
 * confirmed: two independent sources agree; probable: one source, without an innocent explanation; suspected:
 * worth a look.
 */
export const confidences = ['confirmed', 'probable', 'suspected'] as const;
export type Confidence = (typeof confidences)[number];

/** That of a whole whose parts are as certain as this. */
export function weakest(first: Confidence, ...more: readonly Confidence[]): Confidence {
  return more.reduce((a, b) => (confidences.indexOf(b) > confidences.indexOf(a) ? b : a), first);
}

export const topics = [
  'interfaces',
  'veth',
  'addresses',
  'routes',
  'isolation',
  'namespaces',
  'runtime',
  'cni',
  'aws',
  'firewall',
  'path',
  'connectivity',
  'dns',
  'kernel',
  'events',
  'audit',
] as const;
export type Topic = (typeof topics)[number];

/** The object that a finding is about. `path` is a file, link, address or similar within a node or pod. */
export const auditedObjectSchema = z.object({
  kind: z.enum(['pod', 'node', 'namespace', 'cluster', 'link', 'address', 'file', 'process', 'exception']),
  namespace: z.string().optional(),
  name: z.string(),
  node: z.string().optional(),
  path: z.string().optional(),
});
export type AuditedObject = z.infer<typeof auditedObjectSchema>;

/** One compared value: what was read, what was expected, and where it was read. */
export const comparisonSchema = z.object({
  what: z.string(),
  expected: z.string().optional(),
  actual: z.string(),
  source: z
    .string()
    .describe(
      'Command or file that shows it, such as `ip -j link (netns 4026532400)` or `API: pod.status.podIPs`.',
    ),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** One step of a repair. `command` works exactly as written. */
export const remedyStepSchema = z.object({
  purpose: z
    .enum(['look', 'repair'])
    .default('repair')
    .describe('look: it changes nothing; repair: it may change something, also in reports that do not say.'),
  text: z.string(),
  command: z.string().optional(),
});
export type RemedyStep = z.infer<typeof remedyStepSchema>;

/** One that this version does not know, or with values that it must not touch, is as good as none. */
export const findingRepairSchema = repairSchema
  .nullable()
  .catch(null)
  .optional()
  .describe('What the tool itself can do; null: nothing. Findings of earlier versions do not have it.');

export const findingStates = ['pending', 'new', 'open', 'resolved'] as const;

const findingBase = z.object({
  fingerprint: z
    .string()
    .describe('Hash of cluster, check and object: the same fault has the same one in every run.'),
  check: z.string(),
  topic: z.enum(topics),
  severity: z.enum(severities),
  confidence: z.enum(confidences),
  state: z.enum(findingStates),
  object: auditedObjectSchema,
  title: z.string(),
  detail: z.string(),
  evidence: z.array(comparisonSchema),
  remedy: z.array(remedyStepSchema),
  repair: findingRepairSchema,
  firstSeen: z.iso.datetime(),
  lastSeen: z.iso.datetime(),
  runs: z.number().int().describe('Runs that saw it.'),
  flaps: z
    .number()
    .int()
    .describe(
      'Times it came back within a week of being resolved; forgotten once nothing changed for a week.',
    ),
  flapping: z
    .boolean()
    .default(false)
    .describe('It comes and goes: it came back twice or more, never a week without a change in between.'),
  returnedAt: z.iso.datetime().nullable().default(null).describe('When it came back last; null: it did not.'),
  lastWithout: z.iso
    .datetime()
    .nullable()
    .optional()
    .describe(
      'When the last audit began that checked the object and did not find this, before it appeared or came back; ' +
        'null where no audit is known to have. Findings of earlier versions do not have it.',
    ),
  notSeen: z.boolean().describe('Its object was not examined this time.'),
  suppressed: z
    .object({ reason: z.string(), owner: z.string(), expires: z.string() })
    .nullable()
    .describe('The exception that covers it; null when none does.'),
  partOf: z
    .string()
    .nullable()
    .describe('Fingerprint of the finding that caused or covers this one; null for one that stands alone.'),
  resolution: z
    .string()
    .nullable()
    .describe('Why a resolved finding is resolved: the check passed, or the object is gone.'),
  serves: z
    .array(z.string())
    .optional()
    .describe(
      'Of a pod: Services (`namespace/name`) that have it as a ready endpoint, and so send it traffic. Left out where that is not known.',
    ),
  replicas: z
    .number()
    .int()
    .optional()
    .describe(
      'Of a pod: how many pods its workload has in the cluster, this one included. Left out where that is not known.',
    ),
});

/** A finding refers by fingerprint to the findings that it explains or groups. */
export const findingSchema = findingBase
  .extend({ children: z.array(z.string()) })
  .meta({ id: 'Finding', description: 'One fault of one object, through time.' });
export type Finding = z.infer<typeof findingSchema>;

/** Whether a finding counts: it needs no second observation, and no exception covers it. */
export function isCounted({
  state,
  suppressed,
}: {
  readonly state: string;
  readonly suppressed: unknown;
}): boolean {
  return state !== 'pending' && suppressed === null;
}

/** An object and where it is, as far as it says. */
type PlacedObject = { readonly kind: string; readonly name: string; readonly node?: string | undefined };

/** The node that a finding is about or on; empty for a finding of the cluster. */
export function nodeOf({ object }: { readonly object: PlacedObject }): string {
  return object.kind === 'node' ? object.name : (object.node ?? '');
}

/** `shop/web-1 on node-1`, `node-1`, `/run/netns/x on node-1`: a path that ends in the name replaces it. */
export function objectName(object: AuditedObject, nodeName = (node: string): string => node): string {
  const name = namespacedName(object);
  const { path = name } = object;
  const what = path === name || path.endsWith(`/${name}`) ? path : `${name} ${path}`;
  return `${what}${object.node === undefined || object.node === object.name ? '' : ` on ${nodeName(object.node)}`}`;
}

/** Worst first; equal severities keep their order. */
export function bySeverity(a: { readonly severity: Severity }, b: { readonly severity: Severity }): number {
  return severities.indexOf(a.severity) - severities.indexOf(b.severity);
}

/** Order of findings: worst first, then by check and object, so that the order is always the same. */
export function worstFirst(a: Finding, b: Finding): number {
  return (
    bySeverity(a, b) ||
    byText(a.check, b.check) ||
    byText(a.object.node ?? '', b.object.node ?? '') ||
    byText(a.object.namespace ?? '', b.object.namespace ?? '') ||
    byText(a.object.name, b.object.name) ||
    byText(a.fingerprint, b.fingerprint)
  );
}

/** A finding as a line of findings/….ndjson.gz, with its cluster, run and day. */
export const findingRowSchema = z.object({
  cluster: z.string(),
  runId: z.string(),
  dt: z.iso.date().describe('Day of the run, and partition of the table.'),
  ...findingSchema.omit({ repair: true, replicas: true, lastWithout: true }).shape,
});
