/**
 * Which rule and route decided the path of packets. The kernel's answer is authoritative: this only names
 * what led to it, and returns nothing if the rules as read do not explain the answer.
 */
import { DROPPING, type NetworkStack, type Route, type Rule, type Way } from '../../model/network.ts';
import { contains, prefixLength } from '../cidr.ts';
import { routeText } from './gateway.ts';

export type Decision = {
  readonly rule: Rule;
  /** Null if the rule itself drops. */
  readonly route: Route | null;
};

const DECIDES: readonly string[] = [...DROPPING, 'unicast', 'local', 'throw'];
/** The tables that every node has, to which the kernel's own rules lead. */
const OWN_TABLES: readonly (string | null)[] = ['local', 'main', 'default'];

/** Null if nothing explains the answer: then the cause is reverse path filtering, forwarding, or a missing route. */
export function decisionOf({ rules, routes }: NetworkStack, way: Way): Decision | null {
  const decision = decisionAsRead(rules, routes, way);
  return (decision && explains(way, decision)) ?? onlyOf(rules, routes, way);
}

function decisionAsRead(rules: readonly Rule[], routes: readonly Route[], way: Way): Decision | null {
  for (const rule of rules.toSorted((a, b) => a.priority - b.priority)) {
    if (rule.family !== way.family || !matches(rule, way)) continue;
    if (rule.drops !== null) return { rule, route: null };
    const route = bestOf(routes, rule.table, way);
    if (route !== null && route.type !== 'throw' && !isSuppressed(route, rule, way)) return { rule, route };
  }
  return null;
}

/** Not all that a rule may match on is read, such as ports: then it is the one that leads to the table of the answer. */
function onlyOf(rules: readonly Rule[], routes: readonly Route[], way: Way): Decision | null {
  if (way.error !== null || OWN_TABLES.includes(way.table)) return null;
  // A rule without a table may choose one by the device (VRF).
  const [rule, ...more] = rules.filter(
    ({ family, table, drops }) =>
      family === way.family && drops === null && (table === null || table === way.table),
  );
  if (rule === undefined || rule.table === null || more.length > 0) return null;
  const route = bestOf(routes, rule.table, way);
  return route?.link === way.link ? explains(way, { rule, route }) : null;
}

/** As in fib4_rule_suppress(). The groups of links are not read: the answer says whether the route was passed over. */
function isSuppressed(route: Route, rule: Rule, way: Way): boolean {
  if (DROPPING.includes(route.type)) return false;
  const { suppressedLength = null, suppressedGroup = null } = rule;
  if (suppressedLength !== null && prefixLength(route.destination) <= suppressedLength) return true;
  return suppressedGroup !== null && route.link !== way.link;
}

function matches(rule: Rule, way: Way): boolean {
  return isSelected(rule, way) !== (rule.not === true);
}

function isSelected(rule: Rule, { source, destination, inputLink }: Way): boolean {
  const mark = /^0x0+(?:$|\/)/;
  return (
    (isAll(rule.source) || (source !== null && contains(rule.source, source))) &&
    (isAll(rule.destination) || contains(rule.destination ?? '', destination)) &&
    (rule.inputLink === null || rule.inputLink === (inputLink ?? 'lo')) &&
    rule.outputLink === null &&
    (rule.fwmark === null || mark.test(rule.fwmark))
  );
}

/** The route that the kernel takes of one table. */
export function bestOf(
  routes: readonly Route[],
  wanted: string | null,
  way: Pick<Way, 'family' | 'destination'>,
): Route | null {
  return mostSpecific(
    routes.filter(
      ({ family, table, type, destination, flags }) =>
        family === way.family &&
        table === wanted &&
        DECIDES.includes(type) &&
        !flags.includes('dead') &&
        contains(destination, way.destination),
    ),
  );
}

const isAll = (text: string | null): boolean => text === null || text === 'all' || text.endsWith('/0');

/** True if the rule selects every packet. */
export const isForAll = ({ source, destination, inputLink, outputLink, fwmark, not }: Rule): boolean =>
  (source === '' || isAll(source)) &&
  isAll(destination) &&
  inputLink === null &&
  outputLink === null &&
  fwmark === null &&
  not !== true;

/** The route that the kernel takes of several to one address: the longest prefix, then the lowest metric. */
export function mostSpecific(routes: readonly Route[]): Route | null {
  const [best] = routes.toSorted(
    (a, b) => prefixLength(b.destination) - prefixLength(a.destination) || (a.metric ?? 0) - (b.metric ?? 0),
  );
  return best ?? null;
}

function explains(way: Way, decision: Decision): Decision | null {
  const drops = decision.route === null || DROPPING.includes(decision.route.type);
  if (way.error !== null) return drops ? decision : null;
  if (drops) return null;
  // local and main share one tree until other rules are added.
  const same = (table: string | null) => (table === 'local' ? 'main' : table);
  return same(decision.rule.table) === same(way.table) ? decision : null;
}

/** True unless it is the kernel's own rule or leads back to its tables. */
export function isAdded({ drops, table }: Rule): boolean {
  return drops !== null || !OWN_TABLES.includes(table);
}

/** The rule in the notation of `ip rule`, without its priority. */
function ruleSelector(rule: Rule): string {
  const { source, destination, inputLink, outputLink, fwmark, drops, table } = rule;
  const { not, suppressedLength = null, suppressedGroup = null } = rule;
  return [
    ...(not ? ['not'] : []),
    `from ${source}`,
    ...(destination === null ? [] : [`to ${destination}`]),
    ...(fwmark === null ? [] : [`fwmark ${fwmark}`]),
    ...(inputLink === null ? [] : [`iif ${inputLink}`]),
    ...(outputLink === null ? [] : [`oif ${outputLink}`]),
    drops ?? `lookup ${table}`,
    ...(suppressedLength === null ? [] : [`suppress_prefixlength ${suppressedLength}`]),
    ...(suppressedGroup === null ? [] : [`suppress_ifgroup ${suppressedGroup}`]),
  ].join(' ');
}

/** A rule as `ip rule` prints it: `PRIORITY: SELECTOR`. */
export const ruleText = (rule: Rule): string => `${rule.priority}: ${ruleSelector(rule)}`;

/** `rule 100: from 10.244.1.5 unreachable`, or the rule and the route it leads to. */
export function decisionText({ rule, route }: Decision): string {
  if (route === null) return `rule ${ruleText(rule)}`;
  const text = `route ${routeText(route)}`;
  return isAdded(rule) ? `rule ${ruleText(rule)} (there: ${routeText(route)})` : text;
}

/** What happened to the packet, in the notation of `ip route get`. */
export function answerText({ error, type, link, gateway, table }: Way): string {
  if (error !== null) return error;
  const where = `${gateway === null ? '' : `via ${gateway} `}dev ${link}`;
  return `${type === 'unicast' ? '' : `${type} `}${where}${table === 'main' || table === 'local' ? '' : ` table ${table}`}`;
}

/** The command that asks the kernel the same question. */
export function askedBy({ family, destination, source, inputLink }: Way): readonly string[] {
  return [
    ...['ip', ...(family === 6 ? ['-6'] : []), 'route', 'get', destination],
    ...(source === null ? [] : ['from', source]),
    ...(inputLink === null ? [] : ['iif', inputLink]),
  ];
}

/** The arguments for `ip` to delete the rule. */
export function deleteRule(rule: Rule): readonly string[] {
  return [
    ...['ip', `-${rule.family}`, 'rule', 'del', 'priority', String(rule.priority)],
    ...ruleSelector(rule).split(' '),
  ];
}
