/** Limits of the kernel that are too low: raised now, kept for good, and how to take both back. */
import type { RemedyStep } from '../../model/finding.ts';
import { command } from '../../model/shell.ts';
import { look, repairOnNode } from './steps.ts';

/** A setting of sysctl; `from` is null where it could not be read. */
export type Raised = { readonly name: string; readonly from: number | null; readonly to: number };

/**
 * @param file - part of the file's name under /etc/sysctl.d, where it comes after all others
 * @param raised - in the order in which they are set
 */
export function raiseLimits(node: string, file: string, raised: readonly Raised[]): RemedyStep[] {
  const path = `/etc/sysctl.d/zz-netns-audit-${file}.conf`;
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
