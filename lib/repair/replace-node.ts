/** How a person replaces the machine of a node that was drained. The tool has no rights in any cloud. Pure. */
import type { KubectlOptions } from '../model/kubectl.ts';
import { command } from '../model/shell.ts';

export type Machine = {
  readonly name: string;
  /** As its kubelet says. Empty: it says nothing. */
  readonly providerId: string;
  /** Empty if no label has it. */
  readonly region: string;
  readonly isOfKarpenter: boolean;
};

/** An instance of EC2: `aws:///eu-west-1a/i-0123456789abcdef0`. */
const INSTANCE = /^aws:\/\/\/[a-z0-9-]+\/(i-[0-9a-f]{8,17})$/;
const REGION = /^[a-z]{2,4}(?:-[a-z]+)+-\d$/;

/** The instance of EC2 that a command would name; null if it is none. */
export function instanceOf(providerId: string): string | null {
  return INSTANCE.exec(providerId)?.[1] ?? null;
}

/** In lines: what to do, and below it the commands. */
export function howToReplace(
  { name, providerId, region, isOfKarpenter }: Machine,
  cluster: { readonly name: string; readonly kubectl?: KubectlOptions },
): readonly string[] {
  const { kubectl } = cluster;
  if (isOfKarpenter)
    return [
      `${kubectl === undefined ? `On cluster ${cluster.name}: ` : ''}Karpenter ends its instance, and starts another where pods need one, once the node is deleted:`,
      `  ${command('kubectl', ...(kubectl ?? []), 'delete', 'node', name)}`,
    ];
  const instance = instanceOf(providerId);
  if (instance === null)
    return [
      `Replace its machine as its provider has it (${providerId === '' ? 'the node has no providerID' : `providerID ${providerId}`}).`,
    ];
  const where = REGION.test(region) ? ['--region', region] : [];
  const query = ['--query', 'Reservations[].Instances[].[PrivateDnsName,State.Name]', '--output', 'text'];
  return [
    'See that the instance is that of the node, as its kubelet says. Then end it: its Auto Scaling group starts another.',
    `  ${command('aws', 'ec2', 'describe-instances', ...where, '--instance-ids', instance, ...query)}`,
    `  ${command(
      ...['aws', 'autoscaling', 'terminate-instance-in-auto-scaling-group', ...where],
      ...['--instance-id', instance, '--no-should-decrement-desired-capacity'],
    )}`,
  ];
}
