/** Limits of the kernel that are too low: raised now, kept for good, and how to take both back. */
import type { RemedyStep } from '../../model/finding.ts';
import { type LimitSet, limitsFile, raiseLimitsSchema, settingsOf } from '../../model/raised-limits.ts';
import type { RepairOf } from '../../model/repair.ts';
import { command } from '../../model/shell.ts';
import { look, repairOnNode } from './steps.ts';

/** Of one setting; `from` is null where it could not be read. */
export type Raised = { readonly from: number | null; readonly to: number };

/** @param values - of the settings of these limits, in their order. None of them is lowered. */
export function raiseLimits(node: string, limits: LimitSet, values: readonly Raised[]): RemedyStep[] {
  const path = limitsFile(limits);
  const raised = settingsOf(limits).flatMap((name, index) => {
    const { from, to } = values[index] ?? { from: null, to: 0 };
    return to > (from ?? 0) ? [{ name, from, to }] : [];
  });
  const before = raised.flatMap(({ name, from }) => (from === null ? [] : [`${name}=${from}`]));
  return [
    repairOnNode(
      node,
      `raise the limit, until the next boot.${before.length === 0 ? '' : ` To take it back: ${command('sysctl', '-w', ...before)}`}`,
      command('sysctl', '-w', ...raised.map(({ name, to }) => `${name}=${to}`)),
    ),
    repairOnNode(
      node,
      `keep it over boots. To take it back: ${command('rm', path)}`,
      `${command('printf', '%s\\n', ...raised.map(({ name, to }) => `${name} = ${to}`))} > ${command(path)}`,
    ),
    look(
      `Where ${node} cannot be written, or another node takes its place one day, the same belongs into user data: see docs/limits.md.`,
    ),
  ];
}

/** For a failure: the tool raises them if all of them could be read. */
export function raisedByTool(
  limits: LimitSet,
  values: readonly Raised[],
): { readonly repair?: RepairOf<'raise-limits'> } {
  const { data } = raiseLimitsSchema.safeParse({
    kind: 'raise-limits',
    limits,
    values: values.map(({ from, to }) => ({ from, to: Math.max(from ?? 0, to) })),
  });
  return data === undefined ? {} : { repair: data };
}
