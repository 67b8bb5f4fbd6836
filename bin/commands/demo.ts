import type { Command } from 'commander';
import { printable } from '../../lib/model/printable.ts';
import { command } from '../../lib/model/shell.ts';
import { reportWidth, wantsColour } from '../options.ts';

/** `netns-audit demo`. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('show the audit on recorded evidence of a real node; no cluster needed')
    .option('--store <directory>', 'also make a month of two clusters there, to try reports on')
    .option('--no-color', 'no colours (NO_COLOR does the same)')
    .action(async (options: { store?: string; color: boolean }) => {
      const { readFile } = await import('node:fs/promises');
      const { judgeRecorded, openStore, publishMonth, recordedReports } = await import(
        '../../lib/audit/index.ts'
      );
      const { reasons } = await import('../../lib/checks/catalogue.ts');
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
      stdout.write('The evidence that an audit kept of one node, judged again. First as it was:\n\n');
      stdout.write(write(before, 'text', style));
      stdout.write(
        '\nAnd after five faults were planted on it: a pod lost eth0, one its default route, one its loopback, one veth its bridge,\nand a network namespace was pinned that nobody owns:\n\n',
      );
      stdout.write(write(after, 'text', style));
      const store = options.store === undefined ? null : openStore(options.store);
      if (store === null) stdout.write(NEXT);
      else {
        const clusters = await publishMonth(store, evidence, new Date());
        stdout.write(afterMonth(store.location, clusters));
      }
    });
}

const NEXT = `
Now your own cluster; nothing goes on running in it:
  npx netns-audit audit          the current context of your kubeconfig
  npx netns-audit audit --help   other clusters, single nodes, other formats
  npx netns-audit checks         everything that is looked for
`;

function afterMonth(place: string, [first = '', second = '']: readonly string[]): string {
  const ask = (words: string): string =>
    `  npx ${command('netns-audit', 'reports', ...words.split(' '), '--store', place)}\n`;
  return `
A month of two clusters made of these two audits, ${first} and ${second}, is in ${printable(place)}. Ask it:
${ask('list')}${ask('fleet')}${ask(`diff --cluster ${first}`)}${ask('trend orphans')}${ask(`show --cluster ${second} -o html`)}`;
}
