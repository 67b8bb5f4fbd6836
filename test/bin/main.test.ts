/** What the command line prints before any command runs. */
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { wantsColour } from '../../bin/options.ts';
import { run } from './run.ts';

describe('whoever mistypes', () => {
  it.each([
    [['audit', '--nodez', 'a'], '(netns-audit audit --help lists its options)'],
    [['reports', 'show', '--chek', 'a'], '(netns-audit reports show --help lists its options)'],
    [['reports', 'shw'], '(netns-audit reports --help lists the commands)'],
    [['audt'], '(netns-audit --help lists the commands)'],
  ])('is shown the help of what was typed: %j', async (args, words) => {
    const { code, error } = await run(...args);
    expect(code).toBe(2);
    expect(error).toContain('Did you mean');
    expect(error).toContain(words);
  });
});

describe('colours', () => {
  afterEach(() => vi.unstubAllEnvs());
  const terminal = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream;

  it('are for terminals that have some, unless they are asked for', () => {
    for (const [name, value] of [
      ['NO_COLOR', ''],
      ['FORCE_COLOR', ''],
      ['TERM', 'xterm'],
    ] as const)
      vi.stubEnv(name, value);
    expect(wantsColour(terminal, true)).toBe(true);
    expect(wantsColour(terminal, false)).toBe(false);
    vi.stubEnv('TERM', 'dumb');
    expect(wantsColour(terminal, true)).toBe(false);
    vi.stubEnv('FORCE_COLOR', '1');
    expect(wantsColour(terminal, true)).toBe(true);
  });
});
