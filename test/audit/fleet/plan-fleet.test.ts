import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { concludeFleet, planFleet } from '../../../lib/audit/fleet/index.ts';
import { readRegister } from '../../../lib/audit/fleet/register.ts';
import { scheduledRunId } from '../../../lib/audit/fleet/scheduled-run.ts';
import { readTasks } from '../../../lib/audit/fleet/work.ts';
import { DirectoryStore, keys, type Store } from '../../../lib/history/index.ts';
import type { ClusterConfig } from '../../../lib/model/clusters.ts';
import { nothingDamaged } from '../../history/nothing-damaged.ts';

const OWN = '111122223333';
const OTHER = '444455556666';
const region = 'eu-west-1';
const externalId = 'a-random-text-of-ours';
const roleOf = (account: string) => `arn:aws:iam::${account}:role/netns-auditor`;
const nameIn = (account: string) => `${account}/${region}/prod`;
const found = (account: string): ClusterConfig => ({
  name: nameIn(account),
  eks: { name: 'prod', region, roleArn: roleOf(account), externalId, accessEntry: false },
});

let store: Store;
beforeEach(async () => {
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-')));
});

/** What discovery found and what was known before it, and the tasks of the run that it is for. */
async function planned(
  seen: readonly ClusterConfig[],
  {
    eks,
    checks = 'all',
    networks = [],
  }: { eks?: object; checks?: 'all' | 'counts'; networks?: object[] } = {},
): Promise<{ runId: string; names: string[]; removed: string[] }> {
  const run = { scheduledTime: '2026-11-23T02:00:00Z', schedule: `nightly ${checks}` };
  const all = {
    clusters: seen,
    gaps: [],
    looked: [OWN, OTHER].map((account) => `${account}/${region}`),
    accounts: [OWN, OTHER],
  };
  await store.putOnce(keys.found(scheduledRunId(store, run)), Buffer.from(JSON.stringify(all)));
  const { runId } = await planFleet(
    store,
    {
      ...run,
      execution: `arn:aws:states:eu-west-1:${OWN}:execution:Audit:nightly`,
      clusters: eks === undefined ? [] : [{ name: 'shop', eks } as never],
      discover: { accounts: [OWN, OTHER], regions: [region], externalId },
      networks: networks as never,
      settings: {},
      start: { checks },
    },
    nothingDamaged,
  );
  const tasks = await readTasks(store, runId);
  const of = (removed: true | undefined) =>
    tasks.filter((task) => task.removed === removed).map(({ cluster }) => cluster.name);
  return { runId, names: of(undefined), removed: of(true) };
}

const remember = (...clusters: ClusterConfig[]) =>
  store.putOnce(keys.register(), Buffer.from(JSON.stringify({ schemaVersion: 1, clusters })));
const register = () => readRegister(store, nothingDamaged);

describe('a cluster that is listed and found', () => {
  it.each([
    ["of the stack's account", { name: 'prod', region }, [nameIn(OTHER)]],
    ['of another account', { name: 'prod', region, roleArn: roleOf(OTHER) }, [nameIn(OWN)]],
    [
      'of another region only by its name',
      { name: 'prod', region: 'us-east-1' },
      [nameIn(OWN), nameIn(OTHER)],
    ],
  ])('%s is audited once, as listed', async (_, eks, others) => {
    const { names, removed } = await planned([found(OWN), found(OTHER)], { eks });
    expect({ names, removed }).toEqual({ names: ['shop', ...others], removed: [] });
  });

  it('gets a last report under the name that it was found by before', async () => {
    await remember(found(OWN), found(OTHER));
    const { names, removed } = await planned([found(OWN), found(OTHER)], { eks: { name: 'prod', region } });
    expect({ names, removed }).toEqual({ names: ['shop', nameIn(OTHER)], removed: [nameIn(OWN)] });
  });
});

describe('the register of found clusters', () => {
  it('holds no network, which an earlier version would not read', async () => {
    const networks = [{ name: 'east', discovered: ['*'] }];
    const { runId } = await planned([found(OWN)], { networks });
    expect((await readTasks(store, runId)).map(({ cluster }) => cluster)).toEqual([
      { ...found(OWN), network: 'east' },
    ]);
    await concludeFleet(store, { runId, clusters: [] });
    expect(await register()).toEqual([found(OWN)]);
  });

  it('keeps a cluster that a run of counts sees to be gone, for the run that resolves its findings', async () => {
    await remember(found(OWN), found(OTHER));
    const hourly = await planned([found(OWN)], { checks: 'counts' });
    expect(hourly).toMatchObject({ names: [nameIn(OWN)], removed: [] });
    await concludeFleet(store, { runId: hourly.runId, clusters: [] });
    expect(await register()).toEqual([found(OWN), found(OTHER)]);

    const nightly = await planned([found(OWN)]);
    expect(nightly).toMatchObject({ names: [nameIn(OWN)], removed: [nameIn(OTHER)] });
  });
});
