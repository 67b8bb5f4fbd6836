import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planFleet } from '../../../lib/audit/fleet/index.ts';
import { scheduledRunId } from '../../../lib/audit/fleet/scheduled-run.ts';
import { readTasks } from '../../../lib/audit/fleet/work.ts';
import { DirectoryStore, keys } from '../../../lib/history/index.ts';
import type { Found } from '../../../lib/model/discovery.ts';
import { nothingDamaged } from '../../history/nothing-damaged.ts';

const OWN = '111122223333';
const OTHER = '444455556666';
const region = 'eu-west-1';
const roleOf = (account: string) => `arn:aws:iam::${account}:role/netns-auditor`;
const found = (account: string) => ({
  name: `${account}/${region}/prod`,
  eks: {
    name: 'prod',
    region,
    roleArn: roleOf(account),
    externalId: 'a-random-text-of-ours',
    accessEntry: false,
  },
});

describe('a cluster that is listed and found', () => {
  it.each([
    ["of the stack's account", { name: 'prod', region }, [`${OTHER}/${region}/prod`]],
    ['of another account', { name: 'prod', region, roleArn: roleOf(OTHER) }, [`${OWN}/${region}/prod`]],
    [
      'of another region only by its name',
      { name: 'prod', region: 'us-east-1' },
      [`${OWN}/${region}/prod`, `${OTHER}/${region}/prod`],
    ],
  ])('%s is audited once, as listed', async (_, eks, others) => {
    const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-')));
    const [scheduledTime, schedule] = ['2026-11-23T02:00:00Z', 'nightly'];
    const all: Found = {
      clusters: [found(OWN), found(OTHER)],
      gaps: [],
      looked: [OWN, OTHER].map((account) => `${account}/${region}`),
      accounts: [OWN, OTHER],
    };
    await store.putOnce(
      keys.found(scheduledRunId(store, { scheduledTime, schedule })),
      Buffer.from(JSON.stringify(all)),
    );

    const plan = await planFleet(
      store,
      {
        scheduledTime,
        schedule,
        execution: `arn:aws:states:eu-west-1:${OWN}:execution:Audit:nightly`,
        clusters: [{ name: 'shop', eks }],
        discover: { accounts: [OWN, OTHER], regions: [region], externalId: 'a-random-text-of-ours' },
        settings: {},
      },
      nothingDamaged,
    );

    const tasks = await readTasks(store, plan.runId);
    expect(tasks.map(({ cluster }) => cluster.name)).toEqual(['shop', ...others]);
  });
});
