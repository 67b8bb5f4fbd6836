/** What a run of repairs changed, as acts that take it back: the last one first, as it may need what came before. */
import { namespacedName } from '../model/namespaced-name.ts';
import { byCapability } from '../model/raised-limits.ts';
import type { RepairRecord } from '../model/repair-record.ts';
import { undoArgument } from '../model/restore-argument.ts';
import type { ObjectsAct } from './act.ts';

export type UndoPlan = {
  readonly acts: readonly ObjectsAct[];
  /** What stays as the run left it, with the reason. */
  readonly kept: readonly { readonly what: string; readonly why: string }[];
};

type OnNode = Extract<RepairRecord, { objects: unknown }>;
type Restored = OnNode['objects'][number];

/**
 * @param records - of one run, in the order in which its repairs began
 * @param node - only on this node
 * @param later - of other runs, in the order in which they began: what they did to an object since is not undone
 */
export function planUndo(
  records: readonly RepairRecord[],
  node: string | undefined,
  later: readonly RepairRecord[] = [],
): UndoPlan {
  const asked = records
    .filter((record) => node === undefined || nodeOf(record) === node)
    .toReversed()
    .map((record) =>
      record.act === 'restore' || record.act === 'raise-limits'
        ? ofRestored(record, later)
        : { acts: [], kept: record.act === 'delete-routes' ? ofRoutes(record) : [ofOther(record)] },
    );
  return {
    acts: asked.flatMap(({ acts }) => acts),
    kept: asked.flatMap(({ kept }) => kept),
  };
}

function ofRestored(record: OnNode, later: readonly RepairRecord[]): UndoPlan {
  const { node, objects } = record;
  const known = objects
    .toReversed()
    .map((object) => ({ object, why: whyKept(object) ?? whySince(record, object.name, later) }));
  const back = known.flatMap(({ object, why }) => {
    const argument = undoArgument(object.argument);
    return why !== null || argument === null ? [] : [{ name: object.name, argument, trace: '' }];
  });
  return {
    acts: byCapability(back, ({ argument }) => argument).map((some) => ({
      kind: 'take-back',
      node,
      findings: [],
      refused: null,
      objects: some,
    })),
    kept: known.flatMap(({ object, why }) =>
      why === null ? [] : [{ what: `${object.name} on ${node}`, why }],
    ),
  };
}

/** Whether another run did something to it since: then its state is not what this run left, even if it looks so. */
function whySince({ node, at }: OnNode, name: string, later: readonly RepairRecord[]): string | null {
  const last = later
    .filter((each) => each.at > at)
    .flatMap((each) =>
      each.act === 'take-back' || each.act === 'restore' || each.act === 'raise-limits' ? [each] : [],
    )
    .filter((each) => each.node === node)
    .flatMap(({ objects, ...each }) =>
      objects.filter((object) => object.name === name).map(({ result }) => ({ ...each, result })),
    )
    .findLast(({ result }) => result !== 'refused' && result !== 'left');
  if (last === undefined) return null;
  const by = `by run ${last.runId} at ${last.at}`;
  if (last.result !== 'done') return `it is not known what became of it ${by}`;
  return last.act === 'take-back' ? `it was taken back ${by}` : `it was repaired again ${by}`;
}

/** Somebody may have the address by now, on another node too: a person has to look first. */
function ofRoutes({ node, objects }: OnNode): UndoPlan['kept'] {
  return objects.toReversed().map((object) => ({
    what: `${object.name} on ${node}`,
    why:
      object.result === 'done'
        ? `it is put back by hand, once it is sure that nobody has the address: ${object.undo ?? 'the record does not say how'}`
        : (whyKept(object) ?? ''),
  }));
}

function whyKept({ argument, result, detail, undo }: Restored): string | null {
  if (result === 'done')
    return undoArgument(argument) === null ? 'this version does not know what it is' : null;
  // A repair that was killed or failed may have changed it just before.
  const byHand = undo === undefined ? '' : `; by hand: ${undo}`;
  if (result === null || result === 'failed') return `it is not known what became of it${byHand}`;
  return detail === 'it is as it should be'
    ? `it was as it should be already, unless the run changed it right before it was killed${byHand}`
    : 'the run did not change it';
}

function ofOther(record: RepairRecord): UndoPlan['kept'][number] {
  if ('pod' in record) {
    const pod = namespacedName(record.pod);
    return record.act === 'restart-agent'
      ? { what: `the agent ${pod}`, why: 'a pod that was evicted does not come back' }
      : { what: pod, why: 'a pod that was evicted does not come back' };
  }
  if (record.act === 'reboot-node')
    return { what: `the boot of ${record.node}`, why: 'no reboot can be taken back' };
  if (record.act === 'drain-node')
    return {
      what: `the drain of ${record.node}`,
      why: 'pods that were evicted do not come back; kubectl uncordon lets others on it',
    };
  if (record.act === 'release-allocations')
    return {
      what: `${record.allocations.map(({ name }) => name).join(', ')} on ${record.node}`,
      why: 'nobody needs an address that no pod has; the record has what Calico had on file',
    };
  const names = record.act === 'delete-namespaces' ? record.namespaces : record.objects;
  const what = `${names.map(({ name }) => name).join(', ')} on ${record.node}`;
  return record.act === 'take-back'
    ? { what, why: 'the run took it back: remediate puts it back again' }
    : { what, why: 'what was deleted does not come back' };
}

function nodeOf(record: RepairRecord): string {
  return 'pod' in record ? record.pod.node : record.node;
}
