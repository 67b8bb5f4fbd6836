/** A topic whose subscriptions all filter: CloudWatch's alarms have no attributes, and pass no filter. */
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { expect, it, vi } from 'vitest';
import { NetnsAuditor } from '../../lib/infra/netns-auditor.ts';
import { configSchema } from '../../lib/model/config.ts';
import { config, synthesize } from './synthesized.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const warnings = (stack: Stack): string[] =>
  Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));
const mail = { protocol: 'email', endpoint: 'on-call@example.com' };

it.each([
  ['every one has a minSeverity', [{ ...mail, minSeverity: 'low' }], 'Every subscription has a minSeverity'],
  ['there is none', [], 'Nobody is subscribed'],
])(
  'warns where %s',
  (_, subscriptions, said) => {
    const { stack } = synthesize(configSchema.parse({ ...config, subscriptions }));
    expect(warnings(stack)).toEqual([expect.stringContaining(said)]);
    expect(warnings(stack)[0]).toContain('Add a subscription without a filter');
  },
  240_000,
);

it('says nothing where one hears all', () => {
  const subscriptions = [
    { ...mail, minSeverity: 'low' },
    { ...mail, endpoint: 'platform@example.com' },
  ];
  expect(warnings(synthesize(configSchema.parse({ ...config, subscriptions })).stack)).toEqual([]);
}, 240_000);

it('sees what others subscribe to the topic', () => {
  const subscribed = (subscribe: (auditor: NetnsAuditor, stack: Stack) => void): string[] => {
    const stack = new Stack(new App({ analyticsReporting: false }), 'Own');
    const clusters = [{ name: 'a', eks: { name: 'a', region: 'eu-west-1', accessEntry: false } }];
    subscribe(new NetnsAuditor(stack, 'Auditor', { clusters }), stack);
    return warnings(stack);
  };
  const severity = SubscriptionFilter.stringFilter({ allowlist: ['critical'] });
  expect(
    subscribed(({ topic }) =>
      topic.addSubscription(new EmailSubscription('a@example.com', { filterPolicy: { severity } })),
    ),
  ).toHaveLength(1);
  expect(
    subscribed(({ topic }, stack) => topic.addSubscription(new SqsSubscription(new Queue(stack, 'Queue')))),
  ).toEqual([]);
}, 240_000);
