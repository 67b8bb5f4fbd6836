/** What the command line prints before any command runs. */
import { execFileSync } from 'node:child_process';
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

describe('the help of every command', () => {
  it('fits 80 columns, but for commands to copy', { timeout: 60_000 }, async () => {
    const helpOf = async (...names: string[]): Promise<string> => (await run(...names, '--help')).out;
    const commandsIn = (help: string): string[] =>
      [...(help.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].flatMap(([, name = '']) =>
        name === 'help' ? [] : [name],
      );
    const top = await helpOf();
    const helps = new Map([['', top]]);
    for (const name of commandsIn(top)) {
      const help = await helpOf(name);
      helps.set(name, help);
      for (const sub of commandsIn(help)) helps.set(`${name} ${sub}`, await helpOf(name, sub));
    }
    expect(helps.size).toBeGreaterThan(20);
    for (const [name, help] of helps)
      expect(
        help.split('\n').filter((line) => line.length > 80 && !line.startsWith('  netns-audit ')),
        name,
      ).toEqual([]);
  });
});

it('says what to type for the ARN of an EKS cluster', async () => {
  const arn = 'arn:aws:eks:eu-west-1:111122223333:cluster/prod';
  expect(await run('audit', '--eks', arn, '--store', 'none')).toMatchObject({
    code: 2,
    error: expect.stringContaining('Give --eks prod --region eu-west-1.'),
  });
});

it('prints help without loading schemas or YAML, which would double its time', () => {
  const main = new URL('../../bin/main.ts', import.meta.url).href;
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const { main } = await import(${JSON.stringify(main)});
    await main(['--help']);
    process.stdout.write(JSON.stringify(loaded));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const loaded: unknown = JSON.parse(out.slice(out.lastIndexOf('[')));
  expect(loaded).toContain(main);
  expect(loaded).not.toContainEqual(expect.stringMatching(/node_modules\/(zod|yaml)\//));
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
