/** The command line: its commands, and how their errors end. Commands load only when they run. */
import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { printable, printableLines } from '../lib/model/printable.ts';
import { addAnalyze } from './commands/analyze.ts';
import { addAudit } from './commands/audit.ts';
import { addBundle } from './commands/bundle.ts';
import { addChecks } from './commands/checks.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addFleet } from './commands/fleet.ts';
import { addInit } from './commands/init.ts';
import { addManifests } from './commands/manifests.ts';
import { addRemediate } from './commands/remediate.ts';
import { addReports } from './commands/reports.ts';
import { addRetention } from './commands/retention.ts';
import { addSweep } from './commands/sweep.ts';
import { EXIT, exitCodeOf, explain } from './exit.ts';
import { version } from './version.ts';

/** Runs one command line (without node and script) and sets process.exitCode. */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command('netns-audit')
    .description('Audits the network namespaces of pods on every node of a cluster.')
    .version(version())
    .exitOverride()
    .configureOutput(quietOutput());
  addAudit(program);
  addFleet(program);
  addAnalyze(program);
  addBundle(program);
  addReports(program);
  addRemediate(program);
  addRetention(program);
  addChecks(program);
  addInit(program);
  addConfig(program);
  addDoctor(program);
  addSweep(program);
  addManifests(program);
  addDemo(program);
  addCompletion(program);
  nameHelpOfEach(program);
  if (args[0] === '__complete') {
    await printCandidates(program, args.slice(1));
    return;
  }
  try {
    await program.parseAsync(expand(args), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    process.stderr.write(explain(error));
    process.exitCode = exitCodeOf(error);
  }
}

/**
 * In the protocol of kubectl's plugins (that of cobra): one candidate per line, and last `:0` for files or
 * `:4` for none.
 */
async function printCandidates(program: Command, words: readonly string[]): Promise<void> {
  const { complete } = await import('./completion.ts');
  const { valuesOf } = await import('./completion-values.ts');
  const candidates = await complete(program, words, valuesOf);
  for (const { value, description } of candidates ?? [])
    process.stdout.write(`${printable(value)}${description === '' ? '' : `\t${printable(description)}`}\n`);
  process.stdout.write(candidates === null ? ':0\n' : ':4\n');
}

/** After a wrong option, the error says where the command's options are listed. */
function nameHelpOfEach(command: Command, path = command.name()): void {
  command.showHelpAfterError(
    command.commands.length > 0
      ? `(${path} --help lists the commands)`
      : `(${path} --help lists its options)`,
  );
  for (const each of command.commands) nameHelpOfEach(each, `${path} ${each.name()}`);
}

/** `npm start` shows the demo, and `npm start -- --context NAME` audits that cluster. */
function expand(args: readonly string[]): string[] {
  const [first, ...rest] = args;
  if (first === undefined) return ['--help'];
  if (first !== 'start') return [...args];
  return rest.length === 0 ? ['demo'] : ['audit', ...rest];
}

function quietOutput(): OutputConfiguration {
  return { outputError: (text, write) => write(printableLines(text.replace(/^error: /, 'netns-audit: '))) };
}
