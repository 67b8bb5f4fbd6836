/** Why a repair that a check asks for must not be tried by this report. */
import type { Finding } from '../model/finding.ts';
import type { Narrowing } from '../model/narrowing.ts';

/**
 * Why an object must not be deleted: two audits must have seen it. Null, here and below, if the repair may be
 * tried.
 */
export function whyNotDeleted({ runs }: Finding): string | null {
  return runs < 2 ? 'one audit has seen it, and two are wanted' : null;
}

/**
 * Why an object must not be put back. That takes nothing away, so one audit is enough if it is enough for the
 * check.
 */
export function whyNotRestored({ partOf }: Finding, known: ReadonlyMap<string, Finding>): string | null {
  const cause = partOf === null ? undefined : known.get(partOf);
  return cause === undefined ? null : `${cause.check} is its cause: repair that first`;
}

/** Why a pod must not be recreated for the finding. */
export function whyNotRecreated(finding: Finding, known: ReadonlyMap<string, Finding>): string | null {
  const refused = whyRefused(finding);
  if (refused !== null) return refused;
  if (finding.topic === 'connectivity') return 'only packets show it, and repairs send none';
  const cause = finding.partOf === null ? undefined : known.get(finding.partOf);
  if (cause !== undefined) return `${cause.check} is its cause, which a new pod would share`;
  return null;
}

/** Why no node must be rebooted or drained: nobody has asked for this one. */
export function whyNotRebooted({
  check,
  node,
  drain,
}: Narrowing & { readonly drain?: boolean }): string | null {
  return check === undefined || node === undefined
    ? `the tool ${drain === true ? 'drains' : 'reboots'} a node only if it is named: --only CHECK --node NODE`
    : null;
}

/** Why no repair at all may be tried for the finding. */
export function whyRefused(finding: Finding): string | null {
  if (finding.suppressed !== null) return `an exception of ${finding.suppressed.owner} covers it`;
  if (finding.state === 'pending') return 'it was seen once, and counts when the next audit sees it again';
  if (finding.notSeen) return 'the audit did not look at it';
  if (finding.confidence === 'suspected') return 'it is only suspected';
  return null;
}
