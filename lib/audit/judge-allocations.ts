/** Whether addresses in Calico's own records may be freed now: by a new audit of their node, by all pods, and by their blocks. */
import {
  type Cluster,
  isAllowed,
  listAddressHolders,
  listNodeStates,
  readCalicoBlock,
} from '../cluster/index.ts';
import type { AddressHolder, CalicoBlockObject } from '../model/calico-ipam.ts';
import { CALICO_BLOCKS, CALICO_HANDLES } from '../model/cni-names.ts';
import type { Finding } from '../model/finding.ts';
import {
  ADDRESS_USES,
  isSameAllocation,
  type LeakedAllocation,
  UNREAD_NAMESPACES,
} from '../model/leaked-allocation.ts';
import type { ClusterReport } from '../model/report.ts';
import type { AllocationsAct } from '../repair/act.ts';
import {
  type BlockEntry,
  leakedEntry,
  nodeOfBlock,
  whyHeld,
  whyLeftToController,
} from '../repair/calico-ipam.ts';
import { whyUnread } from './look-again.ts';
import type { ActContext } from './repair-act.ts';

export type Releasing = Pick<ActContext, 'look' | 'settleSeconds' | 'signal' | 'renew'>;

/** What may be freed: its entry, or why it must not. */
export type JudgedAllocation = { readonly leaked: LeakedAllocation; readonly entry: BlockEntry | string };

type Wanted = Pick<AllocationsAct, 'node' | 'allocations'> & {
  /** When an audit had found them, in milliseconds. */
  readonly seenAt: number;
};

/** As for host-local: younger ones may belong to a pod that is being created, whatever `--settle` says. */
const MINIMUM_SECONDS = 15 * 60;

/**
 * What still holds of each, by all that can be known now.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function judgedNow(
  cluster: Cluster,
  { node, allocations, seenAt }: Wanted,
  context: Releasing,
): Promise<readonly JudgedAllocation[] | { readonly refused: string }> {
  const missing = await missingRight(cluster, context);
  if (missing !== null) return { refused: missing };
  const report = await context.look(node);
  const unread = whyUnread(report, node);
  if (unread !== null) return { refused: `the node ${unread}` };
  await context.renew();
  const holders = await listAddressHolders(cluster, { signal: context.signal });
  const now = Date.now();
  const left = whyLeftToController(holders, seenAt, now);
  if (left !== null) return { refused: left };
  const judged: JudgedAllocation[] = [];
  for (const leaked of allocations)
    judged.push({
      leaked,
      entry: whyNotFoundAgain(report, leaked) ?? (await judgedEntry(cluster, node, leaked, holders, context)),
    });
  return judged;
}

async function missingRight(cluster: Cluster, { signal }: Releasing): Promise<string | null> {
  const rights = [
    ...['get', 'update'].map((verb) => ({ verb, ...CALICO_BLOCKS })),
    ...['get', 'update', 'delete'].map((verb) => ({ verb, ...CALICO_HANDLES })),
  ];
  for (const { verb, group, resource } of rights)
    if (!(await isAllowed(cluster, { verb, group, resource }, signal)))
      return (
        `you may not ${verb} ${resource}: have an administrator apply ` +
        'netns-audit manifests --remediate --calico'
      );
  return null;
}

/** Why a new audit of the node gives no reason to free it; null if it does. */
function whyNotFoundAgain(
  { findings }: Pick<ClusterReport, 'findings'>,
  leaked: LeakedAllocation,
): string | null {
  const found = findings.flatMap((finding) =>
    allocationsIn(finding).flatMap((again) => (isSameAllocation(again, leaked) ? [{ finding, again }] : [])),
  );
  const [same] = found;
  if (same === undefined) return 'the fault was not seen again';
  const { suppressed, confidence } = same.finding;
  if (suppressed !== null) return `an exception of ${suppressed.owner} covers it`;
  if (confidence === 'suspected') return 'it is only suspected';
  if (same.again.use !== 'unread') return same.again.use === null ? null : ADDRESS_USES[same.again.use];
  const which = same.finding.evidence.find(({ what }) => what === UNREAD_NAMESPACES)?.actual;
  return which == null ? ADDRESS_USES.unread : `${ADDRESS_USES.unread}: ${which}`;
}

/** Those that a finding would have freed. */
export function allocationsIn({ repair }: Finding): readonly LeakedAllocation[] {
  return repair?.kind === 'release-allocations' ? repair.allocations : [];
}

async function judgedEntry(
  cluster: Cluster,
  node: string,
  leaked: LeakedAllocation,
  holders: readonly AddressHolder[],
  context: Pick<Releasing, 'settleSeconds' | 'signal'>,
): Promise<BlockEntry | string> {
  const held = whyHeld(holders, leaked);
  if (held !== null) return held;
  const read = await entryNow(cluster, node, leaked, context);
  return typeof read === 'string' ? read : read.entry;
}

/** The block and the entry, as they are at this moment; or why it must not be freed. */
export async function entryNow(
  cluster: Cluster,
  node: string,
  leaked: LeakedAllocation,
  { settleSeconds, signal }: Pick<Releasing, 'settleSeconds' | 'signal'>,
): Promise<{ readonly block: CalicoBlockObject; readonly entry: BlockEntry } | string> {
  const block = await readCalicoBlock(cluster, leaked.block, { signal });
  const entry = leakedEntry(block, leaked, {
    node,
    now: Date.now(),
    minimumSeconds: Math.max(settleSeconds, MINIMUM_SECONDS),
  });
  if (typeof entry === 'string') return entry;
  if (block === null) return 'its block is gone';
  for (const name of new Set([node, nodeOfBlock(block) ?? '']))
    if ((await listNodeStates(cluster, name, { signal })).length === 0) return `the node ${name} is gone`;
  return { block, entry };
}
