import type { Command } from 'commander';
import { reportWidth, wantsColour } from '../options.ts';

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('show the audit on recorded evidence of a real node; no cluster needed')
    .option('--store <directory>', 'also keep both reports there, as an audit would')
    .option('--no-color', 'no colours (NO_COLOR does the same)')
    .action(async (options: { store?: string; color: boolean }) => {
      const { readFile } = await import('node:fs/promises');
      const { analyze, openStore, publish } = await import('../../lib/audit/index.ts');
      const { reasons } = await import('../../lib/checks/catalogue.ts');
      const { write } = await import('../../lib/report/index.ts');
      const { stdout } = process;
      const style = {
        colour: wantsColour(stdout, options.color),
        width: reportWidth(stdout),
        why: reasons,
      };
      const recorded = async (name: string): Promise<Uint8Array> =>
        await readFile(new URL(`../../demo/${name}.tar.gz`, import.meta.url));

      const before = await analyze([await recorded('healthy')], async () => null);
      const after = await analyze([await recorded('broken')], async () => before);
      stdout.write('The evidence that an audit kept of one node, judged again. First as it was:\n\n');
      stdout.write(write(before, 'text', style));
      stdout.write('\nAnd after five faults were planted on it:\n\n');
      stdout.write(write(after, 'text', style));
      const store = options.store === undefined ? null : openStore(options.store);
      if (store !== null) for (const report of [before, after]) await publish(store, report);
      stdout.write(
        `${store === null ? '' : `\nBoth reports are in ${store.location}.\n`}
Now your own cluster; nothing goes on running in it:
  npx netns-audit audit          the current context of your kubeconfig
  npx netns-audit audit --help   other clusters, single nodes, other formats
  npx netns-audit checks         everything that is looked for
`,
      );
    });
}
