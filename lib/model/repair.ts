/**
 * What the tool itself can do about a finding, as its check says it. Plans use only this, never the words of
 * a remedy. The values come from nodes, through a report in a store, so each is held to the grammar of what
 * the tool may touch.
 */
import * as z from 'zod';
import { isHostLinkName } from './cni-names.ts';
import { cniPlugin, knownPlugins } from './cni-plugins.ts';
import { releaseAllocationsSchema } from './leaked-allocation.ts';
import { raiseLimitsSchema } from './raised-limits.ts';
import { ADDRESS, CONTAINER, kernelNumber, NETWORK, PIN, whole } from './repair-grammar.ts';
import { restoreSchema } from './restorable.ts';
import { deleteRoutesSchema } from './stale.ts';

/** The longest path of Linux. */
const PATH = 4096;

const recreatePodSchema = z
  .object({
    kind: z.literal('recreate-pod'),
    namespace: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,252}$/),
  })
  .describe('Evicts the pod of the finding; its controller creates another.');

const deleteNamespaceSchema = z
  .object({
    kind: z.literal('delete-namespaces'),
    path: z.string().max(PATH).describe('Of its pin on the node.'),
    inode: kernelNumber,
    made: z.int().min(0).describe('When it was pinned, in seconds since 1970.'),
  })
  .describe('Deletes the pinned namespace and its content.');

const deletePinSchema = z
  .object({
    kind: z.literal('delete-pins'),
    name: z.string().regex(whole(PIN)).describe('Under /run/netns.'),
    inode: kernelNumber.describe('Of the file.'),
    made: z.int().min(0).describe('When the file was changed last, in seconds since 1970.'),
  })
  .describe('Removes a pin that is a plain file, with no namespace mounted on it.');

const deleteVethSchema = z
  .object({
    kind: z.literal('delete-veths'),
    name: z.string().max(15).refine(isHostLinkName),
    index: kernelNumber.describe('No other link gets it until the node reboots.'),
  })
  .describe('Deletes the link on the node, and so its other end.');

const releaseAddressesSchema = z
  .object({
    kind: z.literal('release-addresses'),
    records: z
      .array(
        z.object({
          network: z.string().regex(whole(NETWORK)),
          address: z.string().regex(whole(ADDRESS)),
          container: z.string().regex(whole(CONTAINER)),
        }),
      )
      .min(1)
      .max(100)
      .describe(
        'Of host-local: each is a file with the name of its address, and contains the id of its container.',
      ),
  })
  .describe('Removes records of addresses whose containers are gone.');

const restartAgentSchema = z
  .object({
    kind: z.literal('restart-agent'),
    namespace: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    selector: z
      .string()
      .refine(isAgentSelector)
      .describe('Label of the pods of an agent that the tool knows.'),
  })
  .describe(
    "Evicts the pod of the CNI plugin's agent on the node of the finding; its DaemonSet creates another.",
  );

const rebootNodeSchema = z
  .object({ kind: z.literal('reboot-node') })
  .describe('Drains the node of the finding, and reboots it.');

/** A repair has the kind of the act that carries it out. */
export const repairSchema = z
  .discriminatedUnion('kind', [
    recreatePodSchema,
    deleteNamespaceSchema,
    deletePinSchema,
    deleteVethSchema,
    deleteRoutesSchema,
    releaseAddressesSchema,
    releaseAllocationsSchema,
    raiseLimitsSchema,
    restartAgentSchema,
    rebootNodeSchema,
    restoreSchema,
  ])
  .meta({ id: 'Repair', description: 'What netns-audit remediate can do about a finding.' });
export type Repair = z.infer<typeof repairSchema>;
export type RepairOf<Kind extends Repair['kind']> = Extract<Repair, { kind: Kind }>;

/** A pinned namespace that nobody uses; inode and time tell whether it is still the same. */
export type Orphan = {
  /** Of the pin under /run/netns. */
  readonly name: string;
  readonly inode: number;
  /** Seconds since the epoch. */
  readonly made: number;
};

/** In the order in which reports list them. */
export const actKinds = [
  'restore',
  'take-back',
  'delete-veths',
  'release-addresses',
  'release-allocations',
  'delete-routes',
  'delete-namespaces',
  'delete-pins',
  'raise-limits',
  'recreate-pod',
  'restart-agent',
  'reboot-node',
  'drain-node',
] as const satisfies readonly (Repair['kind'] | 'take-back' | 'drain-node')[];
export type ActKind = (typeof actKinds)[number];

/** The repair; null if the tool must not touch one of its values. */
export function allowedRepair(repair: Repair | null): Repair | null {
  return repairSchema.nullable().safeParse(repair).data ?? null;
}

/** The path of a pin that containerd creates. */
const PIN_PATH = whole(`(?:/var)?/run/netns/${PIN}`);

/** Why the tool never carries out this repair, whatever else is known; null if it may. */
export function whyNever(repair: Repair): string | null {
  return repair.kind === 'delete-namespaces' && !PIN_PATH.test(repair.path)
    ? 'its pin is not one that containerd makes, so somebody may want it'
    : null;
}

function isAgentSelector(selector: string): boolean {
  const agents = knownPlugins.flatMap((type) => cniPlugin(type)?.agent ?? []);
  return agents.some((agent) => agent.selector === selector || agent.otherSelectors.includes(selector));
}
