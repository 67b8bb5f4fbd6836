import { describe, expect, it } from 'vitest';
import { howToReplace, type Machine } from '../../lib/repair/replace-node.ts';

const machine = (changes: Partial<Machine> = {}): Machine => ({
  name: 'ip-10-0-1-7.eu-west-1.compute.internal',
  providerId: 'aws:///eu-west-1a/i-0123456789abcdef0',
  region: 'eu-west-1',
  isOfKarpenter: false,
  ...changes,
});
const commands = (changes: Partial<Machine> = {}): string[] =>
  howToReplace(machine(changes), { name: 'prod', kubectl: ['--context', 'prod'] }).filter((line) =>
    line.startsWith('  '),
  );

describe('how the machine of a drained node is replaced', () => {
  it('is by its Auto Scaling group, once a person has seen which instance it is', () => {
    expect(commands()).toEqual([
      "  aws ec2 describe-instances --region eu-west-1 --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[PrivateDnsName,State.Name]' --output text",
      '  aws autoscaling terminate-instance-in-auto-scaling-group --region eu-west-1 --instance-id i-0123456789abcdef0 --no-should-decrement-desired-capacity',
    ]);
  });

  it.each(['eu-west-1', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-2'])('names the region %s', (region) => {
    for (const each of commands({ region })) expect(each).toContain(` --region ${region} `);
  });

  it.each(['', '$(reboot)', '--endpoint-url=http://x', 'eu-west-1 --profile x'])(
    'leaves out what is no region: %s',
    (region) => {
      for (const each of commands({ region })) expect(each).not.toMatch(/--region|reboot|endpoint|profile/);
    },
  );

  it('is by Karpenter for a node of Karpenter, in the cluster of the report', () => {
    expect(commands({ isOfKarpenter: true })).toEqual([
      '  kubectl --context prod delete node ip-10-0-1-7.eu-west-1.compute.internal',
    ]);
  });

  it('names the cluster where no kubeconfig chose it, as with --eks', () => {
    expect(howToReplace(machine({ isOfKarpenter: true }), { name: 'eks-prod' })).toEqual([
      expect.stringMatching(/^On cluster eks-prod: Karpenter ends its instance/),
      '  kubectl delete node ip-10-0-1-7.eu-west-1.compute.internal',
    ]);
  });

  it.each([
    ['', /the node has no providerID/],
    ['gce://project/europe-west1-b/node-7', /providerID gce:\/\/project\/europe-west1-b\/node-7/],
    ['aws:///eu-west-1a/i-0123; reboot', /Replace its machine as its provider has it/],
    ['aws:///eu-west-1a/fargate-10.0.1.7', /Replace its machine as its provider has it/],
  ])('is left to a person where the providerID is %j', (providerId, words) => {
    expect(commands({ providerId })).toEqual([]);
    expect(howToReplace(machine({ providerId }), { name: 'prod' }).join()).toMatch(words);
  });
});
