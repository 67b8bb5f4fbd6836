import { type Command, Option } from 'commander';
import { EXIT } from '../exit.ts';

/** `netns-audit config`. */
export function addConfig(program: Command): void {
  const config = program.command('config').description('check the configuration file');
  config
    .command('check')
    .argument('[file]', 'the configuration', 'netns-audit.yaml')
    .description('check a configuration and list every mistake with its line and column')
    .addOption(
      new Option('-o, --output <format>', 'what goes to standard output')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Reads only the file. The exit code is 2 if it has mistakes. To check the
clusters as well: netns-audit doctor --config FILE

Examples:
  netns-audit config check
  netns-audit config check fleet.yaml -o json | jq -r '.mistakes[].message'`,
    )
    .action(async (file: string, { output }: { readonly output: 'text' | 'json' }) => {
      const { examineFile, mistakesError } = await import('../../lib/config/read.ts');
      const { configSchema } = await import('../../lib/model/config.ts');
      const { value, mistakes = [], placeOf } = examineFile(file, configSchema);
      const notes = value === undefined ? [] : (await import('../config-notes.ts')).notesOn(value, placeOf);
      if (output === 'json') {
        process.stdout.write(`${JSON.stringify({ file, mistakes, notes }, null, 2)}\n`);
        process.exitCode = mistakes.length > 0 ? EXIT.usage : EXIT.ok;
        return;
      }
      if (value === undefined) throw mistakesError(file, mistakes, 'docs/operations.md has an example');
      const { clusters } = value;
      process.stdout.write(
        `${file} is in order: ${clusters.length === 1 ? '1 cluster' : `${clusters.length} clusters`}.\n`,
      );
      for (const { line, column, path, message } of notes)
        process.stdout.write(`${file}:${line}:${column}: note: ${path}: ${message}\n`);
    });
}
