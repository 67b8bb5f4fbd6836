/** What a pod that repairs a node is sent for, beside namespaces: each told so exactly that it is known again as the same. */
import { isHostLinkName } from './cni-plugins.ts';
import type { Comparison, Finding } from './finding.ts';

export type NodeObject = {
  /** As its answer names it. */
  readonly name: string;
  /** What the pod is told of it. */
  readonly argument: string;
  /** What an audit would tell of it if it were still there. */
  readonly trace: string;
};

const WHAT = 'link on the node';

/** A link by its number, which no other link gets until the node starts again. */
export function linkComparison({ name, index }: { name: string; index: number }): Comparison {
  return { what: WHAT, actual: `${name}, number ${index}`, source: 'ip -d link (node)' };
}

/** The pair of a finding, if a plugin gave it its name; else null. */
export function leakedPairOf({ object, evidence }: Pick<Finding, 'object' | 'evidence'>): NodeObject | null {
  const link = evidence.find(({ what }) => what === WHAT)?.actual ?? '';
  const [, name, index] = /^(\S+), number (\d{1,10})$/.exec(link) ?? [];
  if (name === undefined || index === undefined || name !== object.name || !isHostLinkName(name)) return null;
  return { name, argument: `veth=${name}:${index}`, trace: name };
}

/** The records of host-local that a finding tells of, by container; none of other address managers. */
export function leakedRecordsOf({ evidence }: Pick<Finding, 'evidence'>): NodeObject[] {
  return evidence.flatMap(({ actual, source }) => {
    const [, network, address] =
      /^\/(?:var\/lib|run)\/cni\/networks\/([A-Za-z0-9_][A-Za-z0-9_.-]{0,62}) \(([0-9a-f.:]{3,39})\)$/.exec(
        source ?? '',
      ) ?? [];
    if (network === undefined || address === undefined || !/^[0-9a-f]{64}$/.test(actual ?? '')) return [];
    const container = actual ?? '';
    return [
      {
        name: `${network}/${address}`,
        argument: `address=${network}:${address}:${container}`,
        trace: container,
      },
    ];
  });
}
