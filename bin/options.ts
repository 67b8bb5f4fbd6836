/** Options that several commands share, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DAY } from '../lib/model/days.ts';
import { AuditError } from '../lib/model/errors.ts';
import { type Severity, severities } from '../lib/model/severity.ts';
import { formats } from '../lib/report/formats.ts';

export type ClusterOptions = {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly eks?: string;
  readonly region?: string;
  readonly roleArn?: string;
  readonly externalId?: string;
};

/** Options that choose a cluster and how to reach it; `clusterTarget` reads them. */
export function addClusterOptions(command: Command): Command {
  return command
    .optionsGroup('The cluster:')
    .option('--kubeconfig <file>', 'kubeconfig file (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('--eks <name>', 'an EKS cluster by its name; needs no kubeconfig')
    .option('--region <region>', 'region of the EKS cluster')
    .option('--role-arn <arn>', 'IAM role to assume to reach the EKS cluster')
    .option('--external-id <id>', 'external id that the role requires');
}

/** What `--exceptions <file>` is for. */
export const EXCEPTIONS = 'accepted findings, which do not count: netns-audit.yaml, or its part `exceptions`';

/** What `--alerts <file>` is for. */
export const ALERTS = 'netns-audit.yaml, or its parts `destinations` and `thresholds`';

/** Lowest severity that ends in exit code 1; `never` where the caller learns of findings in another way. */
export type FailOn = Severity | 'never';

/** Options for what is printed and written. */
export function addOutputOptions(command: Command): Command {
  return command
    .optionsGroup('What is printed:')
    .addOption(
      new Option('-o, --output <format>', 'what goes to standard output')
        .choices([...formats])
        .default('text'),
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit 1 if there are findings at or above this severity')
        .choices([...severities, 'never'])
        .default('high'),
    )
    .option('-q, --quiet', 'no progress, only the report')
    .option('--details', 'show every finding with its proof and repair')
    .option('-v, --verbose', 'also list suppressed findings')
    .option('--no-color', 'no colours (NO_COLOR does the same)');
}

const secondsOf = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
]);

/** `90s`, `5m`, `1h` or `0s`: every time has its unit, as 5 may well mean minutes. */
export function seconds(text: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
  if (count === undefined)
    throw new InvalidArgumentError('It is a number with its unit, s, m or h: such as 90s, 5m or 0s.');
  return Number(count) * (secondsOf.get(unit) ?? 1);
}

/** Time for one node, in whole seconds, as the API accepts no others, and the admission policy no long ones. */
export function deadline(text: string): number {
  const value = seconds(text);
  if (Number.isInteger(value) && value >= 5 && value <= 600) return value;
  throw new InvalidArgumentError('It is from 5s to 10m, in whole seconds.');
}

/**
 * Below this, a namespace may belong to a pod in creation; the admission policy of repair pods also accepts
 * no less.
 */
const LEAST_SETTLE_TO_DELETE = 300;

/** Age that an orphaned namespace must have before it is deleted, in whole seconds. */
export function settleToDelete(text: string): number {
  const value = seconds(text);
  if (Number.isInteger(value) && value >= LEAST_SETTLE_TO_DELETE && value <= 99_999) return value;
  throw new InvalidArgumentError('It is from 5m to 27h, in whole seconds.');
}

const daysOf = new Map([
  ['d', 1],
  ['w', 7],
  ['y', 365],
]);

/** A day, `YYYY-MM-DD`, given as a date or as time ago: `30d`, `12w`, `2y`. */
export function days(text: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(text) : null;
  // Otherwise 31 February would become a day in March.
  if (day !== null && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return text;
  const [, count, unit = ''] = /^(\d{1,4})([dwy])$/.exec(text) ?? [];
  // Dates before year 1 make no sense here.
  if (count === undefined || (unit === 'y' && Number(count) > 1000))
    throw new InvalidArgumentError('It is a day such as 2026-11-01, or a time such as 30d, 12w or 2y.');
  return new Date(Date.now() - Number(count) * (daysOf.get(unit) ?? 1) * DAY).toISOString().slice(0, 10);
}

/**
 * Columns of the terminal; undefined where there is none or its size is unknown: a terminal without a size
 * (`script` in CI, `docker exec -t`) has 0.
 */
export function terminalWidth({ columns }: { readonly columns?: number }): number | undefined {
  return columns || undefined;
}

/** Columns of a report: those of the terminal, else 80. */
export function reportWidth(stream: { readonly columns?: number }): number {
  return terminalWidth(stream) ?? 80;
}

/** Reads an option that is a whole number of 1 or more; commander reports any other. */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It is a whole number of 1 or more.');
  return value;
}

/** Days that something is kept: at most a hundred years, as dates have a limit. */
export function daysKept(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 36_500)
    throw new InvalidArgumentError('It is a whole number of days from 1 to 36500.');
  return value;
}

/** A comma-separated list, given once or repeatedly. */
export function list(text: string, before: readonly string[] = []): string[] {
  return [
    ...before,
    ...text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ];
}

/** Colours on a terminal, unless NO_COLOR or --no-color forbid or FORCE_COLOR demands them. */
export function wantsColour(stream: NodeJS.WriteStream, option: boolean): boolean {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM } = process.env;
  if (!option || NO_COLOR !== '') return false;
  return FORCE_COLOR !== '' || (stream.isTTY === true && TERM !== 'dumb');
}

/** `namespace/name`. @throws AuditError USAGE */
export function podName(text: string, option = '--pod'): { namespace: string; name: string } {
  const [namespace, name, more] = text.split('/');
  if (!namespace || !name || more !== undefined)
    throw new AuditError('USAGE', `${option} ${text} is not namespace/name`, {
      remedy: `Write it as ${option} shop/web-1.`,
    });
  return { namespace, name };
}
