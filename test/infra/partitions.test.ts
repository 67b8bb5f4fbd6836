/** Other partitions of AWS: GovCloud and China have different ARNs, and China a different domain. */
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../lib/model/config.ts';
import { synthesize } from './synthesized.ts';

const account = '111122223333';

describe.each([
  { partition: 'aws-us-gov', region: 'us-gov-west-1', other: 'us-gov-east-1' },
  { partition: 'aws-cn', region: 'cn-north-1', other: 'cn-northwest-1' },
])('the stack in $region', ({ partition, region, other }) => {
  const config = configSchema.parse({
    clusters: [
      { name: 'own', eks: { name: 'prod', region } },
      {
        name: 'far',
        eks: {
          name: 'prod',
          region: other,
          roleArn: `arn:${partition}:iam::444455556666:role/reader`,
          externalId: 'abc',
        },
      },
      {
        name: 'lab',
        kubeconfigSecret: `arn:${partition}:secretsmanager:${region}:${account}:secret:lab-AbCdEf`,
      },
    ],
    discover: { accounts: ['444455556666'], regions: [region, other], externalId: 'a-random-text-of-mine' },
    monitor: { enabled: true },
    securityHub: true,
    subscriptions: [{ protocol: 'email', endpoint: 'platform@example.com' }],
  });

  it('names nothing of the partition of commercial regions', () => {
    const { app, stack } = synthesize(config, { account, region });
    expect(() => app.synth()).not.toThrow();
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    expect(text).not.toContain('arn:aws:');
    expect(text).toContain(`arn:${partition}:iam::444455556666:role/reader`);
  }, 240_000);

  it('refuses roles and secrets of another partition', () => {
    const foreign = configSchema.parse({
      clusters: [
        { name: 'lab', kubeconfigSecret: `arn:aws:secretsmanager:eu-west-1:${account}:secret:lab-AbCdEf` },
      ],
    });
    expect(() => synthesize(foreign, { account, region }).app.synth()).toThrow(/partition|region/);
  }, 240_000);
});
