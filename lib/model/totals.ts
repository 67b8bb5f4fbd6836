/** The nodes of a run in a few numbers: one point of a trend. */
import type { NodeFacts } from './report.ts';

export type Totals = {
  /** When the run started; an ISO time. */
  readonly at: string;
  readonly nodes: number;
  readonly pods: number;
  /** Sum over the nodes that reported it; null if none did. */
  readonly namespaces: number | null;
  readonly orphans: number | null;
  /** Namespaces of the fullest node, in percent of its limit; null if no node reported both. */
  readonly usage: number | null;
};

/** Sums over nodes. */
export function totalsOf(
  at: string,
  nodes: readonly Pick<NodeFacts, 'pods' | 'namespaces' | 'orphans' | 'limit'>[],
): Totals {
  const sum = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  };
  return {
    at,
    nodes: nodes.length,
    pods: sum(nodes.map((node) => node.pods)) ?? 0,
    namespaces: sum(nodes.map((node) => node.namespaces)),
    orphans: sum(nodes.map((node) => node.orphans)),
    usage: nodes.reduce<number | null>((most, { namespaces, limit }) => {
      const percent = namespaces === null || limit === null || limit <= 0 ? null : (namespaces / limit) * 100;
      return percent === null || (most !== null && most >= percent) ? most : percent;
    }, null),
  };
}
