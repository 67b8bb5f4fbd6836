/** Completes a command line from the definitions of the commands, so nothing is listed twice. */
import type { Command, Option } from 'commander';
import { list } from './options.ts';

export type Candidate = { readonly value: string; readonly description: string };

/** Values known only at run time; null where they are files. */
export type Values = (kind: string, given: ReadonlyMap<string, string>) => Promise<readonly string[] | null>;

/** Options and arguments by the kind of their values; others have no known values. */
const KINDS: Readonly<Record<string, string>> = {
  '--context': 'context',
  '--check': 'check',
  '--only': 'check',
  '--active': 'active',
  '--config': 'file',
  '--kubeconfig': 'file',
  '--exceptions': 'file',
  '--alerts': 'file',
  '--store': 'file',
  'checks id': 'check',
  'show run': 'run',
  'show check': 'check',
  'diff before': 'run',
  'diff after': 'run',
  'remediate run': 'run',
  'trend metric': 'metric',
  'completion shell': 'shell',
  'analyze files': 'file',
  'check file': 'file',
  'init file': 'file',
};

/**
 * @param words - all words after the program's name; the last is being typed, and may be empty
 * @returns null where the shell is to complete files
 */
export async function complete(
  program: Command,
  words: readonly string[],
  values: Values,
): Promise<readonly Candidate[] | null> {
  const typed = words.at(-1) ?? '';
  let command = program;
  const given = new Map<string, string>();
  const positions: string[] = [];
  let expecting: Option | null = null;
  let onlyArguments = false;
  for (const word of words.slice(0, -1)) {
    if (expecting !== null) {
      given.set(expecting.long ?? '', word);
      expecting = null;
    } else if (onlyArguments || !word.startsWith('-')) {
      const next = positions.length === 0 ? subcommand(command, word) : undefined;
      if (next === undefined) positions.push(word);
      else command = next;
    } else if (word === '--') onlyArguments = true;
    else {
      const [flag = '', value] = word.split(/=(.*)/s);
      const option = optionOf(command, flag);
      given.set(option?.long ?? flag, value ?? '');
      if (option !== undefined && value === undefined && takesValue(option)) expecting = option;
    }
  }
  const ask = async (kind: string | undefined): Promise<readonly string[] | null> =>
    kind === undefined ? [] : kind === 'file' ? null : await values(kind, given);
  const ofOption = async (option: Option): Promise<readonly string[] | null> =>
    option.argChoices ?? (await ask(KINDS[option.long ?? '']));

  if (expecting !== null) return matching(await ofOption(expecting), typed, '', expecting.parseArg === list);
  const [, flag = '', value = ''] = onlyArguments ? [] : (/^(--[^=]+)=(.*)$/s.exec(typed) ?? []);
  const option = optionOf(command, flag);
  if (option !== undefined)
    return matching(await ofOption(option), value, `${flag}=`, option.parseArg === list);
  if (typed.startsWith('-') && !onlyArguments)
    return optionsOf(command)
      .filter(({ hidden, long }) => !hidden && long != null && !given.has(long) && long.startsWith(typed))
      .map(({ long, description }) => ({ value: long ?? '', description }));
  const subcommands = positions.length === 0 ? visible(command) : [];
  if (subcommands.length > 0)
    return subcommands
      .filter((each) => each.name().startsWith(typed))
      .map((each) => ({ value: each.name(), description: each.description() }));
  const all = command.registeredArguments;
  const argument = all[positions.length] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined);
  if (argument === undefined) return [];
  return matching(
    argument.argChoices ?? (await ask(KINDS[`${command.name()} ${argument.name()}`])),
    typed,
    '',
    false,
  );
}

function matching(
  values: readonly string[] | null,
  typed: string,
  before: string,
  isList: boolean,
): readonly Candidate[] | null {
  if (values === null) return null;
  const [, head = '', last = typed] = isList ? (/^(.*,)([^,]*)$/s.exec(typed) ?? []) : [];
  const there = head.split(',');
  return values
    .filter((value) => value.startsWith(last) && !there.includes(value))
    .map((value) => ({ value: `${before}${head}${value}`, description: '' }));
}

function subcommand(command: Command, word: string): Command | undefined {
  return command.commands.find((each) => each.name() === word || each.aliases().includes(word));
}

function visible(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command);
}

function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag !== '' && (long === flag || short === flag));
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}
