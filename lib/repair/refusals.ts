/** Why a repair that a check asks for must not be tried by this report. */
import type { Finding } from '../model/finding.ts';

/** What is deleted must have been there twice. Null if it may be tried, as all here. */
export function whyNotDeleted({ runs }: Finding): string | null {
  return runs < 2 ? 'one audit has seen it, and two are wanted' : null;
}

/** What is put back takes nothing away, so that one audit is enough where it is for its check. */
export function whyNotRestored({ partOf }: Finding, known: ReadonlyMap<string, Finding>): string | null {
  const cause = partOf === null ? undefined : known.get(partOf);
  return cause === undefined ? null : `${cause.check} is its cause: repair that first`;
}

/** Of what a new pod repairs. */
export function whyNotPod(finding: Finding, known: ReadonlyMap<string, Finding>): string | null {
  const refused = whyRefused(finding);
  if (refused !== null) return refused;
  if (finding.topic === 'connectivity') return 'only packets show it, and repairs send none';
  const cause = finding.partOf === null ? undefined : known.get(finding.partOf);
  if (cause !== undefined) return `${cause.check} is its cause, which a new pod would share`;
  return null;
}

/** Of any repair. */
export function whyRefused(finding: Finding): string | null {
  if (finding.suppressed !== null) return `an exception of ${finding.suppressed.owner} covers it`;
  if (finding.state === 'pending') return 'it was seen once, and counts when the next audit sees it again';
  if (finding.notSeen) return 'the audit did not look at it';
  if (finding.confidence === 'suspected') return 'it is only suspected';
  return null;
}
