import { type Command, Option } from 'commander';
import { AuditError } from '../../lib/model/errors.ts';

/** `netns-audit checks`. */
export function addChecks(program: Command): void {
  program
    .command('checks')
    .argument('[id]', 'one check, explained')
    .description('list the checks, or explain one')
    .addOption(new Option('-o, --output <format>', 'of the list').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExample:\n  netns-audit checks pod-interface-missing')
    .action(async (id: string | undefined, options: { output: string }) => {
      const { catalogue } = await import('../../lib/checks/catalogue.ts');
      if (id !== undefined) {
        process.stdout.write(
          await page(
            id,
            catalogue.map((check) => check.id),
          ),
        );
        return;
      }
      const rows = catalogue.map(({ id, topic, severity, active, failureTitle, why }) => ({
        id,
        topic,
        severity,
        active: active ?? null,
        failureTitle,
        why,
      }));
      if (options.output === 'json') {
        process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
        return;
      }
      let topic = '';
      for (const row of rows) {
        if (row.topic !== topic) process.stdout.write(`${topic === '' ? '' : '\n'}${row.topic}\n`);
        topic = row.topic;
        process.stdout.write(
          `  ${row.id.padEnd(33)}${row.severity.padEnd(9)} ${row.failureTitle}${row.active === null ? '' : ` (--active ${row.active})`}\n`,
        );
      }
      const onRequest = rows.filter(({ active }) => active !== null).length;
      process.stdout.write(
        `\n${rows.length} checks; ${onRequest} of them need --active. A less certain finding can be less ` +
          `severe than its check.\nExplain one: netns-audit checks ID\n`,
      );
    });
}

async function page(id: string, known: readonly string[]): Promise<string> {
  if (!known.includes(id)) {
    const near = known.filter(
      (name) => name.includes(id) || id.split('-').some((word) => word.length > 3 && name.includes(word)),
    );
    throw new AuditError('USAGE', `no such check: ${id}`, {
      remedy:
        near.length > 0 ? `Did you mean ${near.slice(0, 5).join(', ')}?` : 'List them: netns-audit checks',
    });
  }
  const { readFile } = await import('node:fs/promises');
  return await readFile(new URL(`../../docs/checks/${id}.md`, import.meta.url), 'utf8');
}
