import type { Command } from 'commander';
import { printable } from '../../lib/model/printable.ts';
import { command } from '../../lib/model/shell.ts';
import { reportWidth, wantsColour } from '../options.ts';

/** `netns-audit demo`. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('show an audit of a recorded node; no cluster needed')
    .option(
      '--store <directory>',
      'also write a month of reports of two clusters there, to try the reports command',
    )
    .option('--no-color', 'no colours (NO_COLOR does the same)')
    .action(async (options: { store?: string; color: boolean }) => {
      const { readFile } = await import('node:fs/promises');
      const { judgeRecorded, openStore, publishMonth, recordedReports } = await import(
        '../../lib/audit/index.ts'
      );
      const { whyByCheck: reasons } = await import('../../lib/checks/catalogue.ts');
      const { write } = await import('../../lib/report/index.ts');
      const { stdout } = process;
      const style = {
        colour: wantsColour(stdout, options.color),
        width: reportWidth(stdout),
        why: reasons,
        details: true,
      };
      const recorded = async (name: string): Promise<Uint8Array> =>
        await readFile(new URL(`../../demo/${name}.tar.gz`, import.meta.url));

      const evidence = await judgeRecorded(await recorded('healthy'), await recorded('broken'));
      const [before, after] = recordedReports(evidence);
      stdout.write('This is the saved evidence of one node, re-analyzed. First, the node as it was:\n\n');
      stdout.write(write(before, 'text', style));
      stdout.write(
        '\nThen the same node after faults were planted: one pod lost eth0, one its default route, one its ' +
          'loopback and one\nits bridge; a network namespace was pinned that nobody owns; and test pods in ' +
          'netns-audit-e2e broke their own\nnetwork:\n\n',
      );
      stdout.write(write(after, 'text', style));
      const store = options.store === undefined ? null : openStore(options.store);
      const { npm_command: started } = process.env;
      // In an empty folder, npx finds the program only by the name of its package.
      const program = started === undefined ? 'netns-audit' : 'npx netns-auditor';
      if (store === null) stdout.write(next(program));
      else {
        const clusters = await publishMonth(store, evidence, new Date());
        stdout.write(afterMonth(program, store.location, clusters));
      }
    });
}

function next(program: string): string {
  return `
Now try your own cluster; nothing keeps running in it:
  ${program} audit          the current context of your kubeconfig
  ${program} audit --help   other clusters, single nodes, other formats
  ${program} checks         list every check
`;
}

function afterMonth(program: string, place: string, [first = '', second = '']: readonly string[]): string {
  const ask = (words: string): string =>
    `  ${program} ${command('reports', ...words.split(' '), '--store', place)}`;
  return `
A month of reports of two clusters, ${first} and ${second}, made from these two audits, is in ${printable(place)}. Try:
${[
  ask('list'),
  ask('fleet'),
  ask(`diff --cluster ${first}`),
  ask('trend orphans'),
  `${ask(`show --cluster ${second} -o html`)} > report.html`,
].join('\n')}
`;
}
