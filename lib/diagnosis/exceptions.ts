/** Exceptions of the configuration: which findings they cover, and how each was used. Pure. */
import { catalogue } from '../checks/catalogue.ts';
import type { AnyCheck } from '../checks/define.ts';
import type { Exception, ExceptionUse } from '../model/exception.ts';
import type { AuditedObject, Finding } from '../model/finding.ts';
import { nodeOf, objectName } from '../model/finding.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { matchesPattern } from '../model/pattern.ts';
import { printable } from '../model/printable.ts';
import type { CheckCoverage, NodeCoverage } from '../model/report.ts';
import { firstOf } from '../model/text.ts';

/** Object names in a finding about an exception. */
const NAMED = 5;

/** Labels known to a run, by {@link labelKey}: no node speaks for another node's pods. */
export type Labels = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * The fields of a finding that exceptions match. `suppressed` is what covered it before, if it was not seen
 * this time.
 */
type Covered = Pick<Finding, 'fingerprint' | 'check' | 'object'> & {
  readonly suppressed?: Finding['suppressed'];
};

/** Key to the labels of a node, or of a pod (`namespace/name`) on it. */
export function labelKey(own: string, node: string): string {
  return own === node ? node : `${node} ${own}`;
}

/** Shared: nearly every pod has none of the labels that exceptions match, but is known. */
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/** Only the labels that exceptions match: those of a hundred thousand pods are too much to hold. */
export function askedLabels(
  labels: Readonly<Record<string, Readonly<Record<string, string>>>>,
  exceptions: readonly Exception[],
): [string, Readonly<Record<string, string>>][] {
  const asked = new Set(exceptions.flatMap((exception) => Object.keys(exception.labels ?? {})));
  if (asked.size === 0) return [];
  return Object.entries(labels).map(([name, all]) => {
    const kept = Object.entries(all).filter(([label]) => asked.has(label));
    return [name, kept.length === 0 ? NO_LABELS : Object.fromEntries(kept)];
  });
}

/** Exceptions for this cluster. */
export function exceptionsFor(exceptions: readonly Exception[], cluster: string): Exception[] {
  return exceptions.filter(({ clusters }) => clusters.some((pattern) => matchesPattern(pattern, cluster)));
}

/** An exception, expired or not, and what it covers. */
export type Match = { readonly exception: Exception; readonly covered: readonly Covered[] };

/** What each exception covers. It never covers a finding about an exception: its end must be seen. */
export function matchesOf(
  exceptions: readonly Exception[],
  present: readonly Covered[],
  known: { readonly checks: ReadonlyMap<string, AnyCheck>; readonly labels: Labels },
): Match[] {
  return exceptions.map((exception) => ({
    exception,
    covered: present.filter((each) => covers(exception, each, known)),
  }));
}

/**
 * Marks each finding with the first exception that holds and covers it.
 *
 * @param at - when the run began; an exception holds through its last day, in UTC
 */
export function suppress(findings: readonly Finding[], matches: readonly Match[], at: string): Finding[] {
  const first = new Map<string, Exception>();
  for (const { exception, covered } of matches)
    if (!isExpired(exception, at))
      for (const { fingerprint } of covered) if (!first.has(fingerprint)) first.set(fingerprint, exception);
  return findings.map((finding) => {
    const found = first.get(finding.fingerprint);
    const suppressed =
      found === undefined ? null : { reason: found.reason, owner: found.owner, expires: found.expires };
    return { ...finding, suppressed };
  });
}

/** How a run used its exceptions. */
export function usesOf(
  matches: readonly Match[],
  run: {
    readonly at: string;
    readonly scope: 'cluster' | 'part';
    /** Those that ran, by id. */
    readonly checks: ReadonlyMap<string, AnyCheck>;
    readonly nodes: readonly NodeCoverage[];
    readonly coverage: ReadonlyMap<string, CheckCoverage>;
  },
): ExceptionUse[] {
  const ran = [...run.checks.values()];
  const known = [...catalogue, ...ran];
  const gap =
    run.scope === 'part'
      ? 'only a part of the cluster was audited'
      : run.nodes.some(({ result }) => result === 'failed' || result === 'partial')
        ? 'not all nodes were audited'
        : run.nodes.every(({ result }) => result === 'skipped')
          ? 'there was no node to audit'
          : null;
  return matches.map(({ exception, covered }) => {
    const meant = ran.filter((check) => isMeant(exception, check));
    const unsure = meant.some(({ id }) => (run.coverage.get(id)?.unknown ?? 0) > 0);
    return {
      exception,
      expired: isExpired(exception, run.at),
      covers: firstOf(
        covered,
        NAMED,
        ({ object }) => objectName(object),
        (left) => `${left} more`,
      ),
      unknownCheck: !known.some((check) => isMeant(exception, check)),
      blind:
        gap ??
        (meant.length === 0
          ? 'its check did not run'
          : unsure
            ? 'its check could not decide everywhere'
            : null),
    };
  });
}

function isExpired({ expires }: Exception, at: string): boolean {
  return at.slice(0, 10) > expires;
}

function covers(
  exception: Exception,
  finding: Covered,
  { checks, labels }: { readonly checks: ReadonlyMap<string, AnyCheck>; readonly labels: Labels },
): boolean {
  const { check, object } = finding;
  if (object.kind === 'exception') return false;
  return (
    isMeant(exception, checks.get(check) ?? { id: check }) &&
    (exception.objects === undefined || fitsAny(exception.objects, object)) &&
    (exception.labels === undefined || isLabelled(exception, exception.labels, finding, labels))
  );
}

/** Each label must be on its pod or node. If labels are unknown, the exception that covered it before still does. */
function isLabelled(
  { owner, reason }: Exception,
  wanted: NonNullable<Exception['labels']>,
  { object, suppressed = null }: Covered,
  labels: Labels,
): boolean {
  const on = nodeOf({ object });
  const ofOwn = labels.get(labelKey(object.namespace === undefined ? on : namespacedName(object), on));
  if (ofOwn === undefined && suppressed !== null)
    return suppressed.owner === owner && suppressed.reason === reason;
  const all = [ofOwn, labels.get(on)];
  return Object.entries(wanted).every(([label, pattern]) =>
    all.some((each) => {
      const value = each?.[label];
      return value !== undefined && matchesPattern(pattern, value);
    }),
  );
}

/** Old names of a check still match it. */
function isMeant({ check }: Exception, { id, formerly = [] }: Pick<AnyCheck, 'id' | 'formerly'>): boolean {
  return [id, ...formerly].some((name) => matchesPattern(check, name));
}

/** The parts of an object that a pattern may match: docs/exceptions.md. */
function fitsAny(patterns: readonly string[], object: AuditedObject): boolean {
  const { node, path, kind } = object;
  // As reports print it; a list of objects on one node names the node once.
  const printed = [object, { ...object, node: undefined }].map((each) => printable(objectName(each)));
  return [namespacedName(object), node, path, kind, ...printed].some(
    (text) => text !== undefined && patterns.some((pattern) => matchesPattern(pattern, text)),
  );
}
