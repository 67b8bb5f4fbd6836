/** Exceptions of the configuration: which findings they cover, and what became of each of them. Pure. */
import { catalogue } from '../checks/catalogue.ts';
import type { AnyCheck } from '../checks/define.ts';
import type { Exception, ExceptionUse } from '../model/exception.ts';
import type { AuditedObject, Finding } from '../model/finding.ts';
import type { CheckCoverage, NodeCoverage } from '../model/report.ts';
import { objectName } from '../report/index.ts';

/** Names of objects that a finding about an exception gives. */
const NAMED = 5;

/** Exceptions that are for this cluster. */
export function exceptionsFor(exceptions: readonly Exception[], cluster: string): Exception[] {
  return exceptions.filter(({ clusters }) => clusters.some((pattern) => matches(pattern, cluster)));
}

/**
 * Marks each finding with the first exception that holds and covers it. An exception never covers a finding about an
 * exception: its end must not go unseen.
 *
 * @param at - when the run began; an exception holds through its last day, in UTC
 */
export function suppress(
  findings: readonly Finding[],
  exceptions: readonly Exception[],
  at: string,
  checks: ReadonlyMap<string, AnyCheck>,
): Finding[] {
  const holding = exceptions.filter((exception) => !isExpired(exception, at));
  return findings.map((finding) => {
    const found = holding.find((exception) => covers(exception, finding, checks));
    const suppressed =
      found === undefined ? null : { reason: found.reason, owner: found.owner, expires: found.expires };
    return { ...finding, suppressed };
  });
}

/** What a run saw of its exceptions. `present` is all that was found, or could not be looked at again. */
export function usesOf(
  exceptions: readonly Exception[],
  run: {
    readonly at: string;
    readonly scope: 'cluster' | 'part';
    /** Those that ran, by id. */
    readonly checks: ReadonlyMap<string, AnyCheck>;
    readonly nodes: readonly NodeCoverage[];
    readonly coverage: ReadonlyMap<string, CheckCoverage>;
    readonly present: readonly { readonly check: string; readonly object: AuditedObject }[];
  },
): ExceptionUse[] {
  const ran = [...run.checks.values()];
  const known = [...catalogue, ...ran];
  const gap =
    run.scope === 'part'
      ? 'only a part of the cluster was audited'
      : run.nodes.some(({ result }) => result === 'failed' || result === 'partial')
        ? 'not all nodes were audited'
        : null;
  return exceptions.map((exception) => {
    const meant = ran.filter((check) => isMeant(exception, check));
    const unsure = meant.some(({ id }) => (run.coverage.get(id)?.unknown ?? 0) > 0);
    return {
      exception,
      expired: isExpired(exception, run.at),
      covers: run.present
        .filter((each) => covers(exception, each, run.checks))
        .slice(0, NAMED)
        .map(({ object }) => objectName(object)),
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
  { check, object }: { readonly check: string; readonly object: AuditedObject },
  checks: ReadonlyMap<string, AnyCheck>,
): boolean {
  if (object.kind === 'exception') return false;
  return (
    isMeant(exception, checks.get(check) ?? { id: check }) &&
    exception.objects.some((pattern) => fits(pattern, object))
  );
}

/** Old names of a check go on to mean it. */
function isMeant({ check }: Exception, { id, formerly = [] }: Pick<AnyCheck, 'id' | 'formerly'>): boolean {
  return [id, ...formerly].some((name) => matches(check, name));
}

function fits(pattern: string, object: AuditedObject): boolean {
  const name = object.namespace === undefined ? object.name : `${object.namespace}/${object.name}`;
  return [name, object.node, object.path, object.kind, objectName(object)].some(
    (text) => text !== undefined && matches(pattern, text),
  );
}

/** `*` stands for any characters. No regular expression: a hostile name must not take exponential time. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}
