import type { Command } from 'commander';
import { AuditError } from '../../lib/model/errors.ts';
import { DEFAULT_IMAGE } from '../../lib/model/own-pods.ts';

const files = [
  'rbac.yaml',
  'admission-policy.yaml',
  'remediate.yaml',
  'remediate-admission-policy.yaml',
  'calico.yaml',
  'reboot.yaml',
] as const;

/** `netns-audit manifests`. */
export function addManifests(program: Command): void {
  program
    .command('manifests')
    .description('print the namespace, roles and admission policy that a cluster needs')
    .option('--no-admission-policy', 'leave out the policies that admit no other pods')
    .option('--image <image>', 'the image that the policy admits, as in audit --image', DEFAULT_IMAGE)
    .option('--remediate', 'also grant the rights that `netns-audit remediate` needs, to a separate group')
    .option(
      '--calico',
      "also grant the right with which `netns-audit remediate` frees addresses in Calico's own records, to another group",
    )
    .option(
      '--reboot',
      'also grant the right with which `netns-audit remediate` reboots nodes, to another group',
    )
    .addHelpText('after', '\nExample:\n  netns-audit manifests | kubectl apply -f -')
    .action(
      async (options: {
        admissionPolicy: boolean;
        image: string;
        remediate?: boolean;
        calico?: boolean;
        reboot?: boolean;
      }) => {
        const { readFile } = await import('node:fs/promises');
        const wanted = files.filter(
          (file) =>
            (options.admissionPolicy || !file.endsWith('admission-policy.yaml')) &&
            (options.remediate === true || !file.startsWith('remediate')) &&
            (options.calico === true || file !== 'calico.yaml') &&
            (options.reboot === true || file !== 'reboot.yaml'),
        );
        const texts = await Promise.all(
          wanted.map((file) => readFile(new URL(`../../deploy/${file}`, import.meta.url), 'utf8')),
        );
        process.stdout.write(texts.join('---\n').replaceAll(DEFAULT_IMAGE, () => imageName(options.image)));
      },
    );
}

/** The policy has the image in quotes inside an expression: only a name may get there. */
function imageName(image: string): string {
  if (!/^[\w.:/@-]+$/.test(image)) {
    throw new AuditError('USAGE', `--image ${image} is not the name of an image`, {
      remedy: 'Write it as registry/name:tag or registry/name@sha256:digest.',
    });
  }
  return image;
}
