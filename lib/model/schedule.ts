/** When runs begin: EventBridge Scheduler expressions, validated so that they can occur. */
import * as z from 'zod';
import { DAY, HOUR } from './days.ts';

const MINUTE = 60_000;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

type Field = {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly words?: readonly string[];
  /** Special characters that the field allows besides numbers, ranges and steps. */
  readonly special?: RegExp;
};

const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31, special: /^(?:\?|L|LW|\d{1,2}W)$/ },
  { name: 'month', least: 1, most: 12, words: MONTHS },
  { name: 'day of the week', least: 1, most: 7, words: DAYS, special: /^(?:\?|L|[1-7]L|[1-7]#[1-5])$/ },
  { name: 'year', least: 1970, most: 2199 },
];

/** Maximum number of days of each month, February in a leap year. */
const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** A run takes minutes, and a run that starts during another meets its pods. */
const LEAST_MINUTES = 5;

/**
 * @param thisYear - starts in earlier years never come
 * @returns what is wrong with `cron(...)` or `rate(...)`; null where nothing is
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function whyNoSchedule(
  expression: string,
  thisYear: number = new Date().getUTCFullYear(),
): string | null {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count !== undefined)
    return unit === 'minute' && Number(count) < LEAST_MINUTES
      ? `It begins runs every ${count} minutes: ${LEAST_MINUTES} are the least, as a run takes some.`
      : null;
  const fields = /^cron\((.*)\)$/.exec(expression)?.[1]?.split(' ') ?? [];
  for (const [index, field] of FIELDS.entries()) {
    const text = fields[index] ?? '';
    if (!text.split(',').every((part) => isPart(part, field)))
      return `${text} is no ${field.name}: ${field.least} to ${field.most}.`;
  }
  const [minute = '', , day = '', month = '', weekday = '', year = ''] = fields;
  if ((day === '?') === (weekday === '?'))
    return 'Exactly one of the day of the month and the day of the week is ?.';
  if (minute === '*') return 'It begins a run every minute: name the minute, or a step such as 0/15.';
  if (year.split(/[,-]/).every((each) => Number(each) < thisYear)) return `${year} is over: it never comes.`;
  return neverComes(day, month) ? `No month ${month} has a day ${day}: it never comes.` : null;
}

function isPart(part: string, field: Field): boolean {
  if (part === '*' || field.special?.test(part)) return true;
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false;
  if (range === '*') return step !== undefined;
  const ends = range.split('-').map((text) => numberOf(text, field));
  return ends.length <= 2 && ends.every((end) => end >= field.least && end <= field.most);
}

function numberOf(text: string, { words = [], least }: Field): number {
  const word = words.indexOf(text.toUpperCase());
  if (word >= 0) return word + least;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function neverComes(day: string, month: string): boolean {
  const months = month.split(',').map((text) => numberOf(text, FIELDS[3] as Field));
  if (!/^\d+(?:,\d+)*$/.test(day) || months.some(Number.isNaN)) return false;
  const first = Math.min(...day.split(',').map(Number));
  return months.every((each) => first > (LONGEST[each - 1] ?? 0));
}

/** Two years including a leap year: this covers every gap in a yearly schedule. */
const SPAN_DAYS = 800;
const SPAN_BEGINS = Date.UTC(2027, 0, 1);

/**
 * The longest time between two starts in hours, accurate to a day; null for an invalid expression.
 *
 * @param timeZone - EventBridge Scheduler leaves out a start in the hour that clocks skip in spring
 */
export function longestGapHours(expression: string, timeZone = 'UTC'): number | null {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count !== undefined) return Number(count) * (unit === 'day' ? 24 : unit === 'hour' ? 1 : 1 / 60);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] =
    /^cron\((.*)\)$/.exec(expression)?.[1]?.split(' ') ?? [];
  const isSkipped = skippedBy(timeZone, Number(hour), Number(minute));
  const starts = Array.from({ length: SPAN_DAYS }, (_, index) => index).filter((index) => {
    const date = new Date(SPAN_BEGINS + index * DAY);
    return (
      has(month, date.getUTCMonth() + 1, FIELDS[3] as Field) &&
      has(dayText(day, date), date.getUTCDate(), FIELDS[2] as Field) &&
      has(weekdayText(weekday, date), date.getUTCDay() + 1, FIELDS[4] as Field) &&
      !isSkipped(date)
    );
  });
  const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? start));
  return gaps.length === 0 ? null : Math.max(...gaps) * 24;
}

/**
 * Tells of a day whether clocks of a time zone skip a time on it.
 *
 * @param hour - NaN for a field that is not one number: it is not looked at
 */
function skippedBy(timeZone: string, hour: number, minute: number): (day: Date) => boolean {
  if (timeZone === 'UTC' || Number.isNaN(hour + minute)) return () => false;
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' });
  const offsetAt = (time: number): number => {
    const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /([+-])(\d+):(\d+)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * HOUR + Number(minutes ?? 0) * MINUTE);
  };
  return (day) => {
    const wall = day.getTime() + hour * HOUR + minute * MINUTE;
    // Half a day before and after, no other change of clocks is near.
    const offsets = [wall - DAY / 2, wall + DAY / 2].map(offsetAt);
    return offsets.every((offset) => offsetAt(wall - offset) !== offset);
  };
}

/** Whether a field without special words contains a number. */
function has(text: string, number: number, field: Field): boolean {
  return text.split(',').some((part) => {
    const [range = '', step] = part.split('/');
    if (range === '*' || range === '?')
      return step === undefined || (number - field.least) % Number(step) === 0;
    const [first = Number.NaN, last = step === undefined ? first : field.most] = range
      .split('-')
      .map((end) => numberOf(end, field));
    return number >= first && number <= last && (number - first) % Number(step ?? 1) === 0;
  });
}

/** L is the last day of the month; the weekday nearest to a day is at most two days away. */
function dayText(text: string, date: Date): string {
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return text.replace(/^LW?$/, String(last)).replace(/W$/, '');
}

/** 6L is the last Friday of the month, 6#3 the third, and L alone is Saturday. */
function weekdayText(text: string, date: Date): string {
  const [, weekday, what] = /^([1-7])(L|#[1-5])$/.exec(text) ?? [];
  if (weekday === undefined || what === undefined) return text.replace(/^L$/, '7');
  const isLast = new Date(date.getTime() + 7 * DAY).getUTCMonth() !== date.getUTCMonth();
  const isNth = `#${Math.ceil(date.getUTCDate() / 7)}` === what;
  return (what === 'L' ? isLast : isNth) ? weekday : 'none';
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const expression = z
  .string()
  .regex(/^(cron\(\S+( \S+){5}\)|rate\([1-9]\d* (minute|hour|day)s?\))$/, {
    error:
      'It is cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR), six fields with ? for one of the days, or rate(12 hours).',
    // What its fields say comes after.
    abort: true,
  })
  .superRefine((text, context) => {
    const message = whyNoSchedule(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .describe(
    'cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR), six fields with ? for one of the days, or rate(12 hours).',
  );

export const scheduleSchema = z
  .strictObject({
    expression: expression.default('cron(0 2 * * ? *)'),
    timeZone: z
      .string()
      .default('UTC')
      .refine(isTimeZone, 'No such time zone: it is an IANA name, such as Europe/Berlin.')
      .describe('IANA name, such as Europe/Berlin.'),
    flexibleMinutes: z
      .int()
      .min(0)
      .max(240)
      .default(15)
      .describe('Start within this many minutes of the scheduled time.'),
    maximumAgeHours: z
      .int()
      .min(1)
      .max(24)
      .default(4)
      .describe('If a run cannot be started within this time, the request goes to the dead-letter queue.'),
    expectedWithinHours: z
      .int()
      .min(2)
      .max(1_000)
      .default(26)
      .describe(
        'Raise an alarm if a cluster was not audited for this long. Use a bit more than the longest gap between audits.',
      ),
    enabled: z.boolean().default(true),
  })
  .superRefine((schedule, context) => {
    const { expression, timeZone, expectedWithinHours } = schedule;
    if (!schedule.enabled || !isTimeZone(timeZone)) return;
    const gap = longestGapHours(expression, timeZone);
    if (gap === null || gap < expectedWithinHours) return;
    const isSkipped = (longestGapHours(expression) ?? gap) < expectedWithinHours;
    context.addIssue(
      isSkipped
        ? {
            code: 'custom',
            path: ['expression'],
            message:
              `Clocks in ${timeZone} skip this hour in spring, and ${gap} hours lie between two audits: an ` +
              'alarm would be raised. Choose another hour, such as cron(0 4 * * ? *), or set ' +
              `expectedWithinHours to ${gap + 2}.`,
          }
        : {
            code: 'custom',
            path: ['expectedWithinHours'],
            message: `Up to ${gap} hours lie between two audits: an alarm would be raised in between. Set it to ${gap + 2} or more.`,
          },
    );
  });

export const monitorSchema = z
  .strictObject({
    enabled: z.boolean().default(false),
    expression: expression.default('cron(30 * * * ? *)'),
  })
  .describe('A second, cheaper schedule in the same time zone: kernels and counts of namespaces only.');
