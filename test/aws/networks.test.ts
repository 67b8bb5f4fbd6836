/** Clusters in several VPCs: each is planned and audited by the functions of its own, through the synthesized machine. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Batch, FleetPlanInput, Task } from '../../lib/audit/fleet/messages.ts';
import { planFleet } from '../../lib/audit/fleet/plan-fleet.ts';
import { scheduledRunId } from '../../lib/audit/fleet/scheduled-run.ts';
import { DirectoryStore, keys } from '../../lib/history/index.ts';
import type { ClusterConfig } from '../../lib/model/clusters.ts';
import { configSchema } from '../../lib/model/config.ts';
import { foundName } from '../../lib/model/discovery.ts';
import { nothingDamaged } from '../history/nothing-damaged.ts';
import { type Deployed, type DeployedFunction, deployed } from './deployed.ts';
import { execute } from './states.ts';

// The functions are played by this test.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const subnetsOf = (digit: number) => ({
  vpcId: `vpc-0123456789abcdef${digit}`,
  availabilityZones: ['eu-west-1a'],
  subnetIds: [`subnet-0123456789abcdef${digit}`],
});
const ACCOUNTS = ['111122223333', '444455556666'] as const;
const config = configSchema.parse({
  clusters: [
    { name: 'listed', eks: { name: 'listed', region: 'eu-west-1' } },
    { name: 'listed-east', eks: { name: 'east', region: 'eu-west-1' }, network: 'east' },
    {
      name: 'lab',
      kubeconfigSecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:lab-AbCdEf',
      network: 'west',
    },
  ],
  discover: {
    accounts: [...ACCOUNTS],
    regions: ['eu-west-1'],
    externalId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  },
  subscriptions: [{ protocol: 'email', endpoint: 'on-call@example.com' }],
  network: subnetsOf(0),
  networks: [
    { name: 'east', discovered: ['111122223333/eu-west-1/east-*'], ...subnetsOf(1) },
    { name: 'west', discovered: ['111122223333/*'], ...subnetsOf(2) },
  ],
});

const found = (account: string, name: string, network?: string): ClusterConfig => ({
  name: foundName(account, 'eu-west-1', name),
  eks: {
    name,
    region: 'eu-west-1',
    roleArn: `arn:aws:iam::${account}:role/netns-auditor`,
    accessEntry: false,
  },
  ...(network === undefined ? {} : { network }),
});

/** One night, and which function was invoked for which cluster: `STATE NETWORK` by the name of the cluster. */
async function night(
  stack: Deployed,
  remembered: readonly ClusterConfig[],
  seen: readonly ClusterConfig[],
  unreachable = '',
) {
  const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-networks-')));
  const scheduledTime = '2026-11-20T02:00:00Z';
  const runId = scheduledRunId(store, { scheduledTime, schedule: 'nightly' });
  const put = (key: string, value: unknown) => store.putOnce(key, Buffer.from(JSON.stringify(value)));
  await put(keys.register(), { schemaVersion: 1, clusters: remembered });
  const asked = new Map<string, string[]>();
  const failed: string[] = [];
  const play = async ({ state, network }: DeployedFunction, input: unknown): Promise<unknown> => {
    if (state === 'discover-clusters')
      return await put(keys.found(runId), { clusters: seen, gaps: [], looked: [], accounts: null });
    if (state === 'plan-fleet') return await planFleet(store, input as FleetPlanInput, nothingDamaged);
    if (state === 'conclude-cluster') {
      const { task, error } = input as { task: Task; error?: object };
      if (error != null) failed.push(task.cluster.name);
      return {};
    }
    if (state === 'conclude-fleet') return { lost: 0 };
    const task = state === 'plan-cluster' ? (input as Task) : (input as Batch).task;
    const calls = asked.get(task.cluster.name) ?? [];
    asked.set(task.cluster.name, [...calls, `${state} ${network ?? '-'}`]);
    if (state === 'audit-nodes') return {};
    if (task.cluster.name === unreachable) throw new Error('no way there');
    const batches = `work/batches-${asked.size}.json`;
    await put(batches, [{ task, batch: 0, nodes: [] }]);
    return { batches };
  };
  const { status } = await execute(
    stack.definition,
    { schedule: 'nightly', scheduledTime },
    {
      id: 'arn:aws:states:eu-west-1:123456789012:execution:audit:1',
      world: {
        invoke: async (arn, input) => {
          const called = stack.functions.find((each) => each.arn === arn);
          if (called === undefined) throw new Error(`there is no function ${arn}`);
          return await play(called, input);
        },
        readObject: async (_, key) => Buffer.from((await store.get(key))?.body ?? '').toString(),
      },
    },
  );
  return { status, asked: Object.fromEntries(asked), failed };
}

let stack: Deployed;
beforeAll(() => {
  stack = deployed(config);
}, 240_000);

describe('a fleet in several networks', () => {
  it('plans and audits each cluster from the network that it names, or a pattern for discovered ones', async () => {
    const ran = await night(
      stack,
      [],
      [found('111122223333', 'east-1'), found('111122223333', 'prod'), found('444455556666', 'east-1')],
    );
    const from = (network: string) => [`plan-cluster ${network}`, `audit-nodes ${network}`];
    expect(ran).toEqual({
      status: 'SUCCEEDED',
      failed: [],
      asked: {
        listed: from('-'),
        'listed-east': from('east'),
        lab: from('west'),
        '111122223333/eu-west-1/east-1': from('east'),
        '111122223333/eu-west-1/prod': from('west'),
        '444455556666/eu-west-1/east-1': from('-'),
      },
    });
  });

  it('goes by the networks of today, whatever was known of a cluster that is not found this night', async () => {
    const remembered = [found('111122223333', 'prod', 'gone'), found('444455556666', 'prod', 'east')];
    const { status, asked } = await night(stack, remembered, []);
    expect(status).toBe('SUCCEEDED');
    expect(asked['111122223333/eu-west-1/prod']).toEqual(['plan-cluster west', 'audit-nodes west']);
    expect(asked['444455556666/eu-west-1/prod']).toEqual(['plan-cluster -', 'audit-nodes -']);
  });

  it.each(['listed', 'lab'])('concludes %s where its plan fails, whatever network it is in', async (name) => {
    const { status, failed } = await night(stack, [], [], name);
    expect({ status, failed }).toEqual({ status: 'SUCCEEDED', failed: [name] });
  });

  it('has alarms that cover the functions of all networks: none is on a single function', () => {
    const states = stack.functions.map(({ state, network }) => `${state} ${network ?? '-'}`);
    expect(states).toEqual(expect.arrayContaining(['plan-cluster west', 'audit-nodes east']));
    expect(stack.alarms.length).toBeGreaterThan(5);
    for (const { name, dimensions } of stack.alarms)
      expect(Object.keys(dimensions), name).not.toContain('FunctionName');
  });
});
