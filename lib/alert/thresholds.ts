/** Thresholds: which are crossed, which are back to normal, and which of this is news. Pure. */
import { isFlapping, isStable, returnsBy } from '../model/changing.ts';
import type { nodeMetrics, Thresholds } from '../model/config.ts';
import { daysBetween } from '../model/days.ts';
import type { ClusterReport, NodeFacts } from '../model/report.ts';
import { minute } from '../report/index.ts';
import type { AlertRecord, ThresholdState } from './record.ts';

/** About the audit itself: it did not happen. */
export const AUDIT = 'audit';

/** `advice`: what to do about a crossed threshold; null if unknown, or if there is nothing to do. */
export type Crossed = { readonly key: string; readonly text: string; readonly advice: string | null };

export type ThresholdNews = {
  readonly crossed: readonly Crossed[];
  readonly back: readonly Crossed[];
  /** Crossed long enough to be due for a reminder. */
  readonly reminder: readonly Crossed[];
  readonly next: readonly ThresholdState[];
};

type Measure = Crossed & { readonly state: 'crossed' | 'fine' | 'unknown' };

/** Avoids a mail every night: a value that swings around its threshold is reported once, as swinging. */
export function thresholdNewsOf(
  report: ClusterReport,
  before: AlertRecord | null,
  thresholds: Thresholds,
): ThresholdNews {
  const at = report.startedAt;
  const earlier = new Map((before?.thresholds ?? []).map((each) => [each.key, each]));
  const result = {
    crossed: [] as Crossed[],
    back: [] as Crossed[],
    reminder: [] as Crossed[],
    next: [] as ThresholdState[],
  };
  const measured = new Map(measures(report, before, thresholds).map((each) => [each.key, each]));
  for (const { key, text, advice, state } of measured.values()) {
    const entry = earlier.get(key);
    earlier.delete(key);
    if (entry === undefined) {
      if (state !== 'crossed') continue;
      result.crossed.push({ key, text, advice });
      result.next.push({ key, crossed: true, changedAt: at, returns: 0, at });
      continue;
    }
    const stable = isStable(entry, at);
    const returns = returnsBy(entry, at);
    const swings = isFlapping(entry.returns);
    if (state === 'unknown') result.next.push(entry);
    else if (state === 'crossed' && !entry.crossed) {
      const swingsNow = isFlapping(returns + 1);
      if (!swings || stable)
        result.crossed.push({
          key,
          text: swingsNow
            ? `${text}; it comes and goes: reported again once stable for a week`
            : `${text}, again`,
          advice,
        });
      result.next.push({ key, crossed: true, changedAt: at, returns: returns + 1, at });
    } else if (state === 'crossed') {
      const due = daysBetween(entry.at, at) >= thresholds.reminderDays;
      if (due) result.reminder.push({ key, text, advice });
      result.next.push({ ...entry, returns, at: due ? at : entry.at });
    } else if (entry.crossed) {
      if (!swings || stable) result.back.push({ key, text, advice: null });
      result.next.push({ ...entry, crossed: false, changedAt: at, returns });
    } else if (!stable) result.next.push(entry);
    else if (swings) result.back.push({ key, text: `${text}, for a week`, advice: null });
  }
  for (const entry of earlier.values()) {
    // A partial report, or one of an unreachable cluster, says nothing about what it does not mention.
    if (report.scope === 'part') result.next.push(entry);
    else if (entry.crossed)
      result.back.push({
        key: entry.key,
        text: `${entry.key}: no longer measured (the node is gone, or the threshold)`,
        advice: null,
      });
  }
  return result;
}

function measures(report: ClusterReport, before: AlertRecord | null, thresholds: Thresholds): Measure[] {
  const facts = new Map(report.nodes.map((node) => [node.node, node]));
  const wanted = report.coverage.nodes.filter((node) => node.result !== 'skipped');
  const excepted = exceptedOrphans(report);
  const perNode = wanted.flatMap(({ node }) =>
    nodeMeasures(node, facts.get(node), excepted.get(node) ?? 0, thresholds),
  );
  const perCluster = thresholds.metrics
    .filter(({ per }) => per === 'cluster')
    .map(({ metric, above }): Measure => {
      const values = wanted.map(({ node }) => facts.get(node)?.[metric] ?? null);
      const sum = values.reduce<number>((total, value) => total + (value ?? 0), 0);
      const key = `${names[metric]} of the cluster above ${above}`;
      // Unread nodes can only add to it.
      if (sum <= above && values.includes(null)) return unknown(key);
      return judged(key, 'the cluster', sum, above, metric);
    });
  return [auditMeasure(report, before), coverageMeasure(report, thresholds), ...perNode, ...perCluster];
}

const names: Readonly<Record<(typeof nodeMetrics)[number], string>> = {
  pods: 'pods',
  namespaces: 'network namespaces',
  orphans: 'orphaned namespaces',
  limit: 'as user.max_net_namespaces',
  probeMs: 'ms of probe time',
};

function nodeMeasures(
  node: string,
  facts: NodeFacts | undefined,
  excepted: number,
  thresholds: Thresholds,
): Measure[] {
  const { namespaces = null, limit = null } = facts ?? {};
  const share = thresholds.namespaceShare;
  const shareKey = `share of user.max_net_namespaces of ${node}`;
  return [
    metric(node, facts, excepted, { metric: 'orphans', above: thresholds.orphansPerNode }),
    namespaces === null || limit === null
      ? unknown(shareKey)
      : {
          key: shareKey,
          text: `${node} has ${namespaces} network namespaces of at most ${limit}`,
          advice: 'Remove orphaned ones, or raise user.max_net_namespaces on the node.',
          state: namespaces > limit * share ? 'crossed' : 'fine',
        },
    ...thresholds.metrics
      .filter((each) => each.per === 'node')
      // Its own threshold already covers it.
      .filter((each) => each.metric !== 'orphans' || each.above !== thresholds.orphansPerNode)
      .map((each) => ({
        ...metric(node, facts, excepted, each),
        key: `${names[each.metric]} of ${node} above ${each.above}`,
      })),
  ];
}

function metric(
  node: string,
  facts: NodeFacts | undefined,
  excepted: number,
  threshold: Pick<Thresholds['metrics'][number], 'metric' | 'above'>,
): Measure {
  const value = facts?.[threshold.metric] ?? null;
  const key = `${names[threshold.metric]} of ${node}`;
  if (value === null) return unknown(key);
  const counted = threshold.metric === 'orphans' ? Math.max(0, value - excepted) : value;
  return judged(key, node, counted, threshold.above, threshold.metric);
}

function judged(
  key: string,
  who: string,
  value: number,
  above: number,
  metric: (typeof nodeMetrics)[number],
): Measure {
  const what = names[metric];
  const advice =
    metric === 'orphans'
      ? 'Each namespace-orphaned finding in the report shows how to remove it safely.'
      : null;
  return value > above
    ? { key, text: `${who} has ${value} ${what} (more than ${above})`, advice, state: 'crossed' }
    : { key, text: `${who} is back to ${value} ${what} (at most ${above})`, advice, state: 'fine' };
}

function unknown(key: string): Measure {
  return { key, text: '', advice: null, state: 'unknown' };
}

/** By node: excepted findings count toward no threshold. */
function exceptedOrphans({ findings }: ClusterReport): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { check, object, suppressed, notSeen } of findings)
    if (check === 'namespace-orphaned' && suppressed !== null && !notSeen && object.node !== undefined)
      counts.set(object.node, (counts.get(object.node) ?? 0) + 1);
  return counts;
}

function auditMeasure(report: ClusterReport, before: AlertRecord | null): Measure {
  // A cluster without a node to probe counts as fully read.
  const { nodes } = report.coverage;
  const reached =
    nodes.some(({ result }) => result === 'audited' || result === 'partial') ||
    nodes.every(({ result }) => result === 'skipped');
  const last = before?.auditedAt ?? null;
  if (report.scope === 'cluster' || reached)
    return {
      key: AUDIT,
      text: `what happened since ${last === null ? 'the first attempt' : `${minute(last)}`} was not seen`,
      advice: null,
      state: 'fine',
    };
  const [first] = report.coverage.nodes;
  return {
    key: AUDIT,
    text: `${first?.reason ?? 'no reason was given'} (${last === null ? 'it was never audited before' : `last audit: ${minute(last)}`})`,
    advice:
      'netns-audit doctor (with --context, or --eks and --region) shows what is broken and how to fix it.',
    state: 'crossed',
  };
}

function coverageMeasure(report: ClusterReport, thresholds: Thresholds): Measure {
  const key = 'coverage';
  if (report.scope === 'part') return unknown(key);
  const wanted = report.coverage.nodes.filter((node) => node.result !== 'skipped');
  const audited = wanted.filter((node) => node.result === 'audited').length;
  const counts = `${audited} of ${wanted.length} nodes were fully audited`;
  const percent = `${Math.round(thresholds.coverage * 1000) / 10} %`;
  if (coverageShare(report) >= thresholds.coverage)
    return { key, text: `${counts} (at least ${percent})`, advice: null, state: 'fine' };
  const first = wanted.find((node) => node.result !== 'audited');
  const why = first === undefined ? '' : `: ${first.node}: ${first.reason ?? first.result}`;
  return {
    key,
    text: `${counts} (less than ${percent})${why}`,
    advice: first?.remedy ?? null,
    state: 'crossed',
  };
}

/** Share of the nodes due for an audit that were fully audited: 0 to 1. */
export function coverageShare(report: ClusterReport): number {
  const wanted = report.coverage.nodes.filter((node) => node.result !== 'skipped');
  if (wanted.length === 0) return 1;
  return wanted.filter((node) => node.result === 'audited').length / wanted.length;
}
