import type { Command } from 'commander';

const files = ['rbac.yaml', 'admission-policy.yaml'] as const;

export function addManifests(program: Command): void {
  program
    .command('manifests')
    .description('print the namespace, roles and admission policy that a cluster needs')
    .option('--no-admission-policy', 'leave out the policy that admits nothing but the probe pod')
    .addHelpText('after', '\nExample:\n  netns-audit manifests | kubectl apply -f -')
    .action(async (options: { admissionPolicy: boolean }) => {
      const { readFile } = await import('node:fs/promises');
      const wanted = files.filter((file) => options.admissionPolicy || file !== 'admission-policy.yaml');
      const texts = await Promise.all(
        wanted.map((file) => readFile(new URL(`../../deploy/${file}`, import.meta.url), 'utf8')),
      );
      process.stdout.write(texts.join('---\n'));
    });
}
