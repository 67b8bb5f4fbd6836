/** Parts of a configuration that only the command line uses: a stack says so. */
import { App, Stack } from 'aws-cdk-lib';
import { expect, it, vi } from 'vitest';
import { NetnsAuditor } from '../../lib/infra/netns-auditor.ts';
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { configSchema } from '../../lib/model/config.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

it('warns that destinations are told nothing, and names who is', () => {
  const destinations = [
    { kind: 'slack', name: 'team', url: { env: 'SLACK' } },
    { kind: 'webhook', name: 'ops', url: 'https://ops.example.com' },
  ];
  const clusters = [{ name: 'a', eks: { name: 'a', region: 'eu-west-1' } }];
  const subscriptions = [{ protocol: 'email', endpoint: 'on-call@example.com' }];
  const { auditor } = new NetnsAuditorStack(
    new App({ analyticsReporting: false }),
    'Own',
    configSchema.parse({ clusters, subscriptions, destinations }),
  );
  const [warning] = auditor.node.metadata.filter(({ type }) => type === 'aws:cdk:warning');
  expect(warning?.data).toMatch(/\(team, ops\).*command line.*subscriptions/s);
});

it('refuses a cluster of a kubeconfig on the machine of whoever deploys', () => {
  const clusters = [{ name: 'dev', kubeconfig: { context: 'dev' } }];
  const stack = new Stack(new App({ analyticsReporting: false }), 'Own');
  expect(() => new NetnsAuditor(stack, 'Auditor', { clusters })).toThrow(
    'cluster dev is reached by a kubeconfig of your own',
  );
});
