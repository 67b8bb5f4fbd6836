/**
 * What the tool itself can do about a finding, as its check says it: plans go by this alone, never by the
 * words of a remedy. Values come from nodes, by way of a report in a store, so each is held to the grammar of
 * what the tool may touch.
 */
import * as z from 'zod';
import { isHostLinkName } from './cni-names.ts';
import { cniPlugin, knownPlugins } from './cni-plugins.ts';
import { ADDRESS, CONTAINER, kernelNumber, NETWORK, PIN, whole } from './repair-grammar.ts';
import { restoreSchema } from './restorable.ts';

/** The longest path of Linux. */
const PATH = 4096;

const recreatePodSchema = z
  .object({
    kind: z.literal('recreate-pod'),
    namespace: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,252}$/),
  })
  .describe('The pod, which the finding is about, is evicted, and its controller makes another.');

const deleteNamespaceSchema = z
  .object({
    kind: z.literal('delete-namespaces'),
    path: z.string().max(PATH).describe('Of its pin on the node.'),
    inode: kernelNumber,
    made: z.int().min(0).describe('When it was pinned, in seconds since 1970.'),
  })
  .describe('The pinned namespace is deleted, with what it holds.');

const deleteVethSchema = z
  .object({
    kind: z.literal('delete-veths'),
    name: z.string().max(15).refine(isHostLinkName),
    index: kernelNumber.describe('No other link gets it until the node starts again.'),
  })
  .describe('The link on the node is deleted, and its other end with it.');

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
        'Of host-local: each is a file by the name of its address, and holds the id of its container.',
      ),
  })
  .describe('Records of addresses whose containers are gone are removed.');

const restartAgentSchema = z
  .object({
    kind: z.literal('restart-agent'),
    namespace: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    selector: z
      .string()
      .refine(isAgentSelector)
      .describe('Label of its pods, of an agent that the tool knows.'),
  })
  .describe(
    "The pod of the CNI plugin's agent on the finding's node is evicted, and its DaemonSet makes another.",
  );

/** A repair has the kind of the act that makes it. */
export const repairSchema = z
  .discriminatedUnion('kind', [
    recreatePodSchema,
    deleteNamespaceSchema,
    deleteVethSchema,
    releaseAddressesSchema,
    restartAgentSchema,
    restoreSchema,
  ])
  .meta({ id: 'Repair', description: 'What netns-audit remediate can do about a finding.' });
export type Repair = z.infer<typeof repairSchema>;
export type RepairOf<Kind extends Repair['kind']> = Extract<Repair, { kind: Kind }>;

/** A pinned namespace that nobody uses: by inode and time it is known again as the same. */
export type Orphan = {
  /** Of the pin under /run/netns. */
  readonly name: string;
  readonly inode: number;
  /** Seconds since the epoch. */
  readonly made: number;
};

/** In the order in which people read them; what was put back is also taken back. */
export const actKinds = [
  'restore',
  'take-back',
  'delete-veths',
  'release-addresses',
  'delete-namespaces',
  'recreate-pod',
  'restart-agent',
] as const satisfies readonly (Repair['kind'] | 'take-back')[];
export type ActKind = (typeof actKinds)[number];

/** The repair, if all its values are such as the tool may touch; else null. */
export function allowedRepair(repair: Repair | null): Repair | null {
  return repairSchema.nullable().safeParse(repair).data ?? null;
}

/** A pin that containerd makes, with its place. */
const PIN_PATH = whole(`(?:/var)?/run/netns/${PIN}`);

/** Why the tool never makes this repair, whatever else is known; null if it may. */
export function whyNever(repair: Repair): string | null {
  return repair.kind === 'delete-namespaces' && !PIN_PATH.test(repair.path)
    ? 'its pin is not one that containerd makes, so somebody may want it'
    : null;
}

function isAgentSelector(selector: string): boolean {
  const agents = knownPlugins.flatMap((type) => cniPlugin(type)?.agent ?? []);
  return agents.some((agent) => agent.selector === selector || agent.otherSelectors.includes(selector));
}
