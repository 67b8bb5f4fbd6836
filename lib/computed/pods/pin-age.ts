/** Whether a pin without a sandbox may belong to a pod that is starting or ending. */
import type { ObservedPod, Pin, Sandbox } from '../../model/evidence.ts';
import { ofPassingPod } from './passing-pods.ts';

/** A namespace is pinned before its sandbox is recorded. */
export function tooYoung(
  pin: Pin,
  sources: { readonly pods: readonly ObservedPod[]; readonly sandboxes: readonly Sandbox[] },
  { now, settleSeconds }: { readonly now: number; readonly settleSeconds: { readonly orphan: number } },
): string | null {
  const age = (now - Date.parse(pin.modifiedAt)) / 1000;
  return age < settleSeconds.orphan
    ? `made ${Math.round(age)} seconds ago: not settled yet`
    : ofPassingPod(age, sources, now);
}
