/** The command line of a script: options with a value each, --help, and one way to refuse. */
import { parseArgs } from 'node:util';
import { messageOf } from '../lib/model/errors.ts';

/** Ends the script with exit code 2. */
export function refuse(problem: string): never {
  process.stderr.write(`${problem.trimEnd()}\n`);
  process.exit(2);
}

/** Options by name. Prints the help and ends if it is asked for, or if an option is unknown or has no value. */
export function scriptOptions<Name extends string>(
  help: string,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean', short: 'h' },
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      },
    });
    if (values.help === true) {
      process.stdout.write(help);
      process.exit(0);
    }
    return values as Partial<Record<Name, string>>;
  } catch (error) {
    refuse(`${messageOf(error)}\n${help}`);
  }
}
