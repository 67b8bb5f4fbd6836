/**
 * Limits of a node's kernel that are too low: the value that an audit read, and the one to set, now and in a file
 * that is read at each boot (lib/probe/repair/limits.sh).
 */
import * as z from 'zod';
import { command } from './shell.ts';

/** By the name that a repair has for them: the settings, and the part of the file's name that tells it from others. */
const SETS = {
  'user.max_net_namespaces': { settings: ['user.max_net_namespaces'], file: 'namespaces' },
  'net.ipv4.neigh.default.gc_thresh': { settings: thresholds(4), file: 'neighbours-4' },
  'net.ipv6.neigh.default.gc_thresh': { settings: thresholds(6), file: 'neighbours-6' },
} as const;

/** The kernel keeps them as `int`. */
const value = z.int().min(1).max(2_147_483_647);
const VALUE = '[1-9][0-9]{0,9}';

export const raiseLimitsSchema = z
  .object({
    kind: z.literal('raise-limits'),
    limits: z.enum([
      'user.max_net_namespaces',
      'net.ipv4.neigh.default.gc_thresh',
      'net.ipv6.neigh.default.gc_thresh',
    ]),
    values: z
      .array(z.object({ from: value.describe('As the audit read it.'), to: value }))
      .min(1)
      .max(3)
      .describe('Of its settings, in their order.'),
  })
  .refine(
    ({ limits, values }) =>
      values.length === SETS[limits].settings.length &&
      values.every(({ from, to }) => to >= from) &&
      values.some(({ from, to }) => to > from),
  )
  .describe('Raises limits of the kernel, now and for the boots to come.');
export type RaisedLimits = z.infer<typeof raiseLimitsSchema>;
export type LimitSet = RaisedLimits['limits'];

export function settingsOf(limits: LimitSet): readonly string[] {
  return SETS[limits].settings;
}

/** It is read after the files of the distribution. */
export function limitsFile(limits: LimitSet): string {
  return `/etc/sysctl.d/zz-netns-audit-${SETS[limits].file}.conf`;
}

/** The argument of the repair pod. It belongs to no pod: this stands for the name and the number of a namespace. */
export function limitsArgument({ limits, values }: RaisedLimits): string {
  return `restore-limits=${[limits, 'node', 0, ...values.map(({ from, to }) => `${from}:${to}`)].join(',')}`;
}

/** The pattern of the arguments, as in restore-argument.ts. */
export function limitsPattern(word: 'restore' | 'undo'): string {
  const sets = Object.entries(SETS).map(
    ([limits, { settings }]) =>
      `${limits.replaceAll('.', '\\.')},node,0${settings.map(() => `,${VALUE}:${VALUE}`).join('')}`,
  );
  return `^${word}-limits=(${sets.join('|')})$`;
}

/** Only who has CAP_SYS_RESOURCE may write those under `user.`, whatever else they may do (the kernel's ucount.c). */
export const RESOURCE_LIMITS = ['restore-limits=user.', 'undo-limits=user.'] as const;

export function needsResource(argument: string): boolean {
  return RESOURCE_LIMITS.some((begin) => argument.startsWith(begin));
}

/** Parts for one repair pod each: what needs that capability is alone. */
export function byCapability<T>(all: readonly T[], argumentOf: (one: T) => string): T[][] {
  return [...Map.groupBy(all, (one) => needsResource(argumentOf(one))).values()];
}

/** The first line of the file (`written` in limits.sh). */
export const WRITTEN =
  '# Written by netns-audit. Lines with #- are those of the file before; without any, there was none.';

/**
 * The command that takes it back, for a root shell on the node: the file has what was in it before. It does nothing
 * where the file is not, or no longer, the tool's.
 */
export function limitsUndo({ limits, values }: RaisedLimits): string {
  const file = limitsFile(limits);
  const before = settingsOf(limits).map((name, index) => `${name}=${values[index]?.from}`);
  return (
    `head -n 1 ${file} | grep -qxF '${WRITTEN}' && sed -n 's/^#-//p' ${file} > ${file}.old && ` +
    `${command('sysctl', '-w', ...before)} && if [ -s ${file}.old ]; then mv ${file}.old ${file}; ` +
    `else rm ${file} ${file}.old; fi`
  );
}

function thresholds(family: 4 | 6): readonly string[] {
  return [1, 2, 3].map((number) => `net.ipv${family}.neigh.default.gc_thresh${number}`);
}
