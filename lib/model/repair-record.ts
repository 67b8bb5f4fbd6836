/** The record of each repair, written before it begins and after it ends: `remedies/…` in the store. */
import * as z from 'zod';
import { leakedAllocationSchema } from './leaked-allocation.ts';

const base = z.object({
  schemaVersion: z.literal(1),
  /** Stores have it under this name, and under `remedies/…`, since the first version. */
  kind: z.literal('RemedyRecord'),
  runId: z.string(),
  cluster: z.string(),
  clusterUid: z
    .string()
    .nullable()
    .default(null)
    .describe('Of kube-system: another cluster may have had the name. Null in records of earlier versions.'),
  checks: z.array(z.string()).describe('Whose findings it repairs.'),
  by: z.string().describe('Who asked for it, as the API server knows them.'),
  at: z.iso.datetime(),
  phase: z.enum(['begun', 'done', 'failed']),
  outcome: z.string().nullable().describe('What came of it; null of one that has only begun.'),
});

const recreated = base.extend({
  act: z.literal('recreate-pod'),
  pod: z.object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    node: z.string(),
    controllerUid: z.string().describe('Empty: no controller makes it again.'),
  }),
  manifest: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Of a pod that no controller makes again: what it is created again from.'),
});

const restarted = recreated.extend({ act: z.literal('restart-agent') });

const rebooted = base.extend({
  act: z.literal('reboot-node'),
  node: z.string(),
  nodeUid: z.string(),
  repairNamespace: z.string().describe('Kubernetes namespace of the pod that repairs.'),
  bootId: z.string().describe('Of the boot that was to end.'),
  wasCordoned: z.boolean().describe('Before the repair: then it stays cordoned.'),
  known: z.array(z.string()).describe('Fingerprints of what an audit of the node found right before.'),
});

const drained = base.extend({
  act: z.literal('drain-node'),
  node: z.string(),
  nodeUid: z.string(),
  wasCordoned: z.boolean().describe('Before the repair.'),
});

const deleted = base.extend({
  act: z.literal('delete-namespaces'),
  node: z.string(),
  repairNamespace: z
    .string()
    .nullable()
    .default(null)
    .describe('Kubernetes namespace of the pod that repairs. Null in records of earlier versions.'),
  namespaces: z.array(
    z.object({
      name: z.string().describe('Of the pin under /run/netns.'),
      inode: z.number().int(),
      made: z
        .number()
        .int()
        .nullable()
        .default(null)
        .describe('Seconds since the epoch. Null in records of earlier versions.'),
      result: z.string().nullable().describe('done, refused, failed or left; null while nothing is known.'),
      detail: z.string().nullable().describe('What was in it, or why it was not deleted.'),
    }),
  ),
});

const onNode = base.extend({
  act: z.enum([
    'restore',
    'take-back',
    'delete-veths',
    'delete-routes',
    'release-addresses',
    'delete-pins',
    'raise-limits',
  ]),
  node: z.string(),
  repairNamespace: z.string().describe('Kubernetes namespace of the pod that repairs.'),
  objects: z.array(
    z.object({
      name: z
        .string()
        .describe(
          'Of a link or pin, limits, network and address, pod and what it lost, or what the node lost.',
        ),
      argument: z.string().describe('The argument with which the pod on the node got it.'),
      undo: z.string().optional().describe('Command for root on the node that takes back what was put back.'),
      result: z.string().nullable().describe('done, refused, failed or left; null while nothing is known.'),
      detail: z.string().nullable().describe('What came of it, or why it was refused.'),
    }),
  ),
});

const released = base.extend({
  act: z.literal('release-allocations'),
  node: z.string(),
  seenAt: z.iso.datetime().describe('When an audit had found the addresses leaked.'),
  allocations: z.array(
    leakedAllocationSchema.extend({
      name: z.string().describe('Block and address.'),
      before: z
        .object({
          handle: z.string(),
          attribute: z.record(z.string(), z.unknown()),
          sequence: z.string().nullable().describe('Of the block when the address was taken.'),
        })
        .nullable()
        .describe('What the block had of the address; null if it was refused.'),
      result: z.string().nullable().describe('done, refused or failed; null while nothing is known.'),
      detail: z.string().nullable().describe('What came of it, or why it was refused.'),
    }),
  ),
});

export const repairRecordSchema = z
  .discriminatedUnion('act', [recreated, restarted, rebooted, drained, deleted, onNode, released])
  .meta({ id: 'RepairRecord', description: 'One repair that the tool made, or began.' });
export type RepairRecord = z.infer<typeof repairRecordSchema>;

/** What a record says about its object, beside the fields that all records have. */
export type RepairObject =
  | Pick<z.infer<typeof recreated>, 'act' | 'pod' | 'manifest'>
  | Pick<z.infer<typeof restarted>, 'act' | 'pod'>
  | Pick<
      z.infer<typeof rebooted>,
      'act' | 'node' | 'nodeUid' | 'repairNamespace' | 'bootId' | 'wasCordoned' | 'known'
    >
  | Pick<z.infer<typeof drained>, 'act' | 'node' | 'nodeUid' | 'wasCordoned'>
  | Pick<z.infer<typeof deleted>, 'act' | 'node' | 'repairNamespace' | 'namespaces'>
  | Pick<z.infer<typeof onNode>, 'act' | 'node' | 'repairNamespace' | 'objects'>
  | Pick<z.infer<typeof released>, 'act' | 'node' | 'seenAt' | 'allocations'>;
