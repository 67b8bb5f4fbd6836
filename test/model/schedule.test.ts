import { describe, expect, it } from 'vitest';
import { longestGapHours, scheduleSchema, whyNoSchedule } from '../../lib/model/schedule.ts';

describe('the expression of a schedule', () => {
  it.each([
    'cron(0 2 * * ? *)',
    'cron(0/15 8-18 ? * MON-FRI *)',
    'cron(30 3 L * ? *)',
    'cron(0 2 ? JAN,JUL 6#3 2027-2030)',
    'cron(0 2 29 2 ? *)',
    'rate(12 hours)',
    'rate(1 day)',
  ])('%s is one', (expression) => {
    expect(whyNoSchedule(expression)).toBeNull();
  });

  it.each([
    ['cron(99 77 * * ? *)', '99 is no minute: 0 to 59.'],
    ['cron(0 77 * * ? *)', '77 is no hour'],
    ['cron(0 2 * * * *)', 'Exactly one of'],
    ['cron(0 2 ? * ? *)', 'Exactly one of'],
    ['cron(0 2 31 FEB,4 ? *)', 'it never comes'],
    ['cron(0 2 ? * MUN *)', 'MUN is no day of the week'],
    ['cron(0 2 * 13 ? *)', '13 is no month'],
    ['cron(* 2 * * ? *)', 'every minute'],
    ['rate(1 minutes)', '5 are the least'],
    ['cron(0 2 * * ? 2020-2022)', '2020-2022 is over'],
  ])('%s is none', (expression, why) => {
    expect(whyNoSchedule(expression)).toContain(why);
  });
});

describe('the time in which an audit is expected', () => {
  it.each([
    ['cron(0 2 * * ? *)', 24],
    ['cron(0 2 ? * SUN *)', 168],
    ['cron(0 2 ? * MON-FRI *)', 72],
    ['cron(0 2 1 * ? *)', 31 * 24],
    ['cron(0 2 ? * 6#3 *)', 35 * 24],
    ['cron(0 2 */2 * ? *)', 48],
    ['rate(7 days)', 168],
  ])('of %s has a gap of %d hours to bridge', (expression, hours) => {
    expect(longestGapHours(expression)).toBe(hours);
  });

  it.each([
    ['cron(0 2 * * ? *)', 'Europe/Berlin', 48],
    ['cron(30 3 * * ? *)', 'Europe/Berlin', 24],
    ['cron(0 1 * * ? *)', 'Europe/London', 48],
    ['cron(0 2 * * ? *)', 'America/New_York', 48],
    ['cron(15 2 * * ? *)', 'Australia/Lord_Howe', 48],
    ['cron(45 2 * * ? *)', 'Australia/Lord_Howe', 24],
    ['cron(0 2 * * ? *)', 'Asia/Kolkata', 24],
    ['cron(0 2,14 * * ? *)', 'Europe/Berlin', 24],
  ])('of %s in %s has a gap of %d hours, with the hour that clocks skip', (expression, timeZone, hours) => {
    expect(longestGapHours(expression, timeZone)).toBe(hours);
  });

  it('bridges the day on which clocks skip the start, or another hour is chosen', () => {
    const berlin = { timeZone: 'Europe/Berlin' };
    expect(scheduleSchema.safeParse(berlin).error?.issues).toMatchObject([
      { path: ['expression'], message: expect.stringContaining('Clocks in Europe/Berlin skip this hour') },
    ]);
    expect(scheduleSchema.safeParse({ ...berlin, expression: 'cron(30 3 * * ? *)' }).success).toBe(true);
    expect(scheduleSchema.safeParse({ ...berlin, expectedWithinHours: 50 }).success).toBe(true);
  });

  it('is longer than the longest gap, or would raise an alarm in each', () => {
    const weekly = { expression: 'cron(0 2 ? * SUN *)' };
    expect(scheduleSchema.safeParse(weekly).error?.issues).toMatchObject([
      { path: ['expectedWithinHours'], message: expect.stringContaining('Set it to 170 or more') },
    ]);
    expect(scheduleSchema.parse({ ...weekly, expectedWithinHours: 170 })).toMatchObject(weekly);
    expect(scheduleSchema.safeParse({ ...weekly, enabled: false }).success).toBe(true);
  });
});
