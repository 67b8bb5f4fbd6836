/**
 * What findings mean for those who use the pods: workloads with affected pods, and Services that still lead
 * to them. Pure.
 */
import { type AuditedObject, type Finding, isAtLeast, isCounted, severities } from '../model/finding.ts';
import { workloadOf } from '../model/workload.ts';

/** Services, or workloads, to name per sentence. */
const NAMED = 5;

/** How many pods of each workload all findings that count affect, by `namespace/workload`. */
export type AffectedPods = ReadonlyMap<string, Pick<Affected<Finding>, 'hit' | 'all'>>;

/**
 * What a fault means for those who use the pods: `This fault affects 1 of 3 pods of shop/web. Still receives traffic of
 * Service shop/web.` Null if nothing is known.
 *
 * @param together - of all findings, so that a part is never taken for all that is broken
 */
export function impactOf(
  members: readonly (Pick<Finding, 'serves' | 'replicas'> & { readonly object: AuditedObject })[],
  together: AffectedPods = new Map(),
): string | null {
  const sentences = [workloadsIn(members, together), trafficOf(members)].filter(
    (sentence) => sentence !== null,
  );
  return sentences.length === 0 ? null : sentences.join(' ');
}

/** What a fault of a check does, as the check's text on why it matters begins. */
export function firstSentence(why: string | undefined): string | null {
  return why?.split(/(?<=\.)\s/, 1)[0] ?? null;
}

/**
 * What all findings that count do to workloads: `Together, the findings affect 3 of 6 pods of shop/cart.` With `at least`
 * where a fault of a node or the cluster affects pods that no finding names. Null where each entry says as much of its own
 * pods. The workload with the worst finding is first,
 * then the one that loses the largest share.
 */
export function impactOfAll(findings: readonly Finding[]): string | null {
  const counting = disabling(findings);
  const affected = affectedWorkloads(counting);
  const checksOf = (pods: readonly Finding[]): number => new Set(pods.map(({ check }) => check)).size;
  // Pods of a node's fault are its symptoms, and its entry does not count them by workload.
  if (!affected.some(({ pods }) => checksOf(pods) > 1 || pods.some(({ partOf }) => partOf !== null)))
    return null;
  const causes = new Set(counting.map(({ partOf }) => partOf));
  const namesPods = ({ object, fingerprint }: Finding): boolean =>
    object.kind === 'pod' || causes.has(fingerprint);
  const least = counting.every(namesPods) ? '' : 'at least ';
  const worst = affected.toSorted(
    (a, b) => worstOf(a.pods) - worstOf(b.pods) || b.hit / b.all - a.hit / a.all || b.hit - a.hit,
  );
  return `Together, the findings affect ${least}${list(worst.map(countedPods))}.`;
}

function worstOf(pods: readonly Finding[]): number {
  return Math.min(...pods.map(({ severity }) => severities.indexOf(severity)));
}

/** {@link AffectedPods} of a report. */
export function affectedPods(findings: readonly Finding[]): AffectedPods {
  return new Map(affectedWorkloads(disabling(findings)).map((each) => [each.workload, each]));
}

/** What is low does not keep a pod from working. */
function disabling(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => isCounted(finding) && isAtLeast(finding.severity, 'medium'));
}

/** `This fault affects 1 of 2 pods of shop/web (all findings together: both) and both pods of shop/cart.` */
function workloadsIn(members: Parameters<typeof impactOf>[0], together: AffectedPods): string | null {
  const affected = affectedWorkloads(members);
  const words = affected.map((each) => {
    const sum = together.get(each.workload);
    const more =
      sum !== undefined && sum.hit > each.hit && each.all > 1
        ? ` (all findings together: ${shareOf(sum)})`
        : '';
    return `${countedPods(each)}${more}`;
  });
  return affected.length === 0 ? null : `This fault affects ${list(words)}.`;
}

type Affected<T> = {
  /** `namespace/workload`. */
  readonly workload: string;
  /** Its findings. */
  readonly pods: readonly T[];
  /** Pods that have one. */
  readonly hit: number;
  /** Pods that it has. */
  readonly all: number;
};

function affectedWorkloads<T extends Parameters<typeof impactOf>[0][number]>(
  members: readonly T[],
): readonly Affected<T>[] {
  const counted = members.filter(({ object, replicas }) => object.kind === 'pod' && replicas !== undefined);
  const sets = Map.groupBy(counted, ({ object }) => `${object.namespace}/${workloadOf(object)}`);
  return [...sets].map(([workload, pods]) => {
    const hit = new Set(pods.map(({ object }) => object.name)).size;
    // Pods may have gone since they were counted.
    return { workload, pods, hit, all: Math.max(hit, ...pods.map(({ replicas = 0 }) => replicas)) };
  });
}

function countedPods({ hit, all, workload }: Affected<unknown>): string {
  if (all === 1) return `the only pod of ${workload}`;
  return `${shareOf({ hit, all })} pods of ${workload}`;
}

/** `both`, `all 3`, `2 of 3`. */
function shareOf({ hit, all }: Pick<Affected<unknown>, 'hit' | 'all'>): string {
  if (all === 2 && hit === 2) return 'both';
  return `${hit === all ? 'all' : `${hit.toLocaleString('en-US')} of`} ${all.toLocaleString('en-US')}`;
}

/** Whether its pods still get traffic: `Still receives traffic of Service shop/web.`; null if none is known to. */
function trafficOf(members: readonly Pick<Finding, 'serves'>[]): string | null {
  const serving = members.filter(({ serves = [] }) => serves.length > 0);
  const services = [...new Set(serving.flatMap(({ serves = [] }) => serves))];
  if (services.length === 0) return null;
  const what = `receive${members.length === 1 ? 's' : ''} traffic of ${services.length === 1 ? 'Service' : 'Services'} ${list(services)}.`;
  if (members.length === 1) return `Still ${what}`;
  return `${serving.length === members.length ? 'All' : serving.length.toLocaleString('en-US')} of these pods still ${what}`;
}

/** `a`, `a and b`, `a, b, c, d, e and 3 more`. */
function list(all: readonly string[]): string {
  const shown = all.slice(0, NAMED);
  const last = all.length > NAMED ? `${(all.length - NAMED).toLocaleString('en-US')} more` : shown.pop();
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} and ${last}`;
}
