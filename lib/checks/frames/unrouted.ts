/**
 * The common part of the checks of a pod's routing in each direction: one finding for each cause, about the
 * pod that the cause names, else about the node.
 */

import { type Direction, judgeWays, type PodVerdict, type WayCause } from '../../computed/path/way-causes.ts';
import { answerText, askedBy, deleteRule } from '../../computed/routes/routing-decision.ts';
import type { Sources } from '../../model/evidence.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { DROPPING } from '../../model/network.ts';
import { counted, listed, rowsOf } from '../../model/text.ts';
import {
  type CheckContext,
  type Failure,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  podObject,
  unknown,
} from '../define.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

type Needed = Pick<Sources, 'podNetworks' | 'hostNetwork' | 'routing' | 'kernel' | 'hostPacketFilters'>;

/** Rules that name no single pod are left to foreign-routing-rules. */
export const isForeign = ({ kind, ofOnePod }: WayCause): boolean => kind === 'rule' && !ofOnePod;

/**
 * Judges one direction of each pod's routing. A cause that breaks several pods is one outcome about the node,
 * listing its pods.
 */
export function judgeUnrouted(direction: Direction, sources: Needed, { node }: CheckContext): Outcome[] {
  const { pods, causes } = judgeWays(sources);
  const ofNode = causes.filter(
    (cause) => cause.direction === direction && !cause.ofOnePod && !isForeign(cause),
  );
  const own = [...pods].map(([network, verdicts]): Outcome => {
    const object = podObject(network.pod, node);
    const verdict = verdicts[direction];
    if (verdict.is === 'right') return pass(object);
    if (verdict.is === 'unknown') return unknown(object, verdict.reason);
    if (verdict.is !== 'broken') return notApplicable(object, verdict.reason);
    const { cause } = verdict;
    if (isForeign(cause))
      return notApplicable(object, 'a rule of the node decides: see foreign-routing-rules');
    if (!cause.ofOnePod) return notApplicable(object, 'all such pods are one finding of the node');
    return fail(object, failure(cause, node, verdict.oneWay));
  });
  const object = nodeObject(node);
  if (ofNode.length === 0) {
    const judged = [...pods.values()].some((verdicts) => verdicts[direction].is === 'right');
    return [...own, judged ? pass(object) : notApplicable(object, 'no pod of the node could be judged')];
  }
  return [...own, fail(object, merged(ofNode.map((cause) => failure(cause, node, isOneWay(cause, pods)))))];
}

function isOneWay(
  { direction, hits }: WayCause,
  pods: ReadonlyMap<unknown, Readonly<Record<Direction, PodVerdict>>>,
): boolean {
  return hits.every(({ network }) => {
    const verdict = pods.get(network)?.[direction];
    return verdict?.is === 'broken' && verdict.oneWay;
  });
}

/** Several causes on one node are one finding, as a finding is identified by its object. */
export function merged(failures: readonly Failure[]): Failure {
  const [first] = failures as [Failure];
  return {
    ...first,
    detail: failures.map(({ detail }) => detail).join(' '),
    evidence: failures.flatMap(({ evidence }) => evidence),
    remedy: failures.flatMap(({ remedy }) => remedy),
  };
}

/**
 * A broken direction as a failure: which packets do not arrive, and the kernel's answer.
 * @param oneWay - true if the other direction works
 */
export function failure(cause: WayCause, node: string, oneWay: boolean): Failure {
  const { direction, hits, text } = cause;
  const names = hits.map(({ network }) => namespacedName(network.pod));
  const inbound = direction === 'inbound';
  const whose = cause.ofOnePod ? 'the pod' : `${counted(hits.length, 'pod')} (${listed(names, 5)})`;
  const said = inbound
    ? `Packets for ${whose} do not get there`
    : `Packets of ${whose} do not get where they should`;
  const [it, these] = inbound ? ['what it sends', 'what they send'] : ['what is for it', 'what is for them'];
  const way = oneWay ? ` One-way: ${cause.ofOnePod ? it : these} still arrives.` : '';
  return {
    detail: `${said}; the cause is ${text}.${way}`,
    confidence: 'confirmed',
    evidence: rows(cause),
    remedy: remedyOf(cause, node),
  };
}

function rows({ hits }: WayCause): Comparison[] {
  return rowsOf(hits, 10, ({ network, broken }) =>
    rowsOf(broken, 2, ({ way, expected }) => ({
      what: `way of ${namespacedName(network.pod)} to ${way.destination}${way.source === null ? '' : ` from ${way.source}`}`,
      expected,
      actual: answerText(way),
      source: `${askedBy(way).join(' ')} (node)`,
    })),
  );
}

/** How to check again, and how to restore the rule or route that decides. */
function remedyOf({ kind, rule, filter, hits, direction }: WayCause, node: string): RemedyStep[] {
  const way = hits[0]?.broken[0]?.way;
  const asked =
    way === undefined ? [] : [lookOnNode(node, 'ask the kernel again.', command(...askedBy(way)))];
  if (rule !== null) {
    return [
      lookOnNode(
        node,
        'look at the rules, and find out which program created this one: that program may add it again.',
        command('ip', `-${rule.family}`, 'rule'),
      ),
      repairOnNode(node, 'remove the rule.', command(...deleteRule(rule))),
    ];
  }
  if (kind === 'route') {
    const decision = hits[0]?.broken[0]?.decision?.route;
    if (decision && DROPPING.includes(decision.type)) {
      const { family, type, destination, table } = decision;
      return [
        ...asked,
        repairOnNode(
          node,
          'remove the route, and find out who created it.',
          command('ip', `-${family}`, 'route', 'del', type, destination, 'table', table),
        ),
      ];
    }
    if (direction === 'inbound' && decision?.type === 'local' && decision.link !== null) {
      const [address = ''] = decision.destination.split('/');
      return [
        ...asked,
        repairOnNode(
          node,
          `the node holds the address itself, on ${decision.link}: remove it there, and see who added it. The pod needs no restart.`,
          command('ip', 'addr', 'del', address, 'dev', decision.link),
        ),
      ];
    }
  }
  if (filter !== null) {
    const text =
      filter.passes === 2
        ? 'accept packets whose answers leave through another link (loose mode), until that is repaired.'
        : 'turn the filter off: loose mode (2) drops what comes in by a link without an address as well.';
    return [
      ...asked,
      repairOnNode(node, text, command('sysctl', '-w', `${filter.setting}=${filter.passes}`)),
    ];
  }
  return [
    ...asked,
    lookOnNode(node, 'see rules and routes of all tables.', 'ip rule; ip route show table all'),
    repair(
      direction === 'inbound'
        ? 'Restart the agent of the CNI plugin on the node: it puts back the routes of its pods. Deleting a pod does not help the others.'
        : 'Put back the route, or remove what was added; no pod has to be deleted.',
    ),
  ];
}
