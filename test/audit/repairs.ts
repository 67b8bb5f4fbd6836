/** What tests of repairs share: a cluster that is a stub, a store, and the settings of a call. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { recentDays } from '../../lib/audit/index.ts';
import type { RepairOptions } from '../../lib/audit/repair-act.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { aReport } from '../report/sample.ts';
import type { StubApiServer } from '../stub/api-server.ts';
import { connectedStub } from '../stub/connected.ts';

/** How repairs are made. */
const HOW = {
  repairNamespace: 'netns-audit-remediate',
  image: 'image:1',
  pullSecret: null,
  settleSeconds: 900,
  repairSeconds: 600,
  pace: { drain: 20_000, stuck: 20, boot: 20_000, order: 20_000, create: 20_000, pause: 5, look: 20 },
  signal: new AbortController().signal,
} as const;

/** How repairs that were killed are settled. */
export const SETTLING = {
  ...HOW,
  days: recentDays(new Date()),
  say: () => {},
  look: async () => aReport({ findings: [] }),
};

/** The options of a call that repairs. */
export function repairOptions(own: Pick<RepairOptions, 'runId' | 'store' | 'look'>): RepairOptions {
  return {
    ...HOW,
    rehearse: false,
    anyController: false,
    mayLose: [],
    say: () => {},
    onResult: () => {},
    ...own,
  };
}

export type Place = {
  readonly stub: StubApiServer;
  readonly cluster: Cluster;
  readonly directory: string;
  readonly store: DirectoryStore;
};

/** A cluster that `ann` repairs, and the store of its records; gone after the test. */
export async function aPlaceToRepair(): Promise<Place> {
  const { stub, cluster } = await connectedStub();
  stub.user = 'ann';
  const directory = await mkdtemp(join(tmpdir(), 'netns-audit-repairs-'));
  onTestFinished(async () => await rm(directory, { recursive: true }));
  return { stub, cluster, directory, store: new DirectoryStore(directory) };
}
