import { expect, it } from 'vitest';
import { run } from './run.ts';

it.each(['--evidence-days', '--report-days', '--work-days'])(
  'refuses %s that no calendar has',
  async (option) => {
    const { error, code } = await run('retention', '--store', '/nowhere', option, '1000000000');
    expect(code).toBe(2);
    expect(error).toContain('It is a whole number of days from 1 to 36500.');
  },
);
