/**
 * One night of an organization, from discovery to the report of the run, with accounts that are broken in ten
 * ways. NETNS_AUDIT_ORGANIZATION=30x10 runs it with 30 accounts of 10 clusters each.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FleetReport, runFleet } from '../../../lib/audit/fleet/index.ts';
import { discoverClusters } from '../../../lib/cluster/discover.ts';
import { DirectoryStore, latestReportOf } from '../../../lib/history/index.ts';
import { configSchema } from '../../../lib/model/config.ts';
import { nothingDamaged } from '../../history/nothing-damaged.ts';
import { StubApiServer } from '../../stub/api-server.ts';
import { StubOrganization } from '../../stub/organization.ts';
import { serveRecording } from '../recorded.ts';

const REGION = 'eu-west-1';
const [ACCOUNTS = 12, EACH = 1] = (process.env.NETNS_AUDIT_ORGANIZATION ?? '12x1').split('x').map(Number);
const ca = readFileSync(new URL('../../stub/test-only.cert.pem', import.meta.url)).toString('base64');
const idOf = (number: number): string => String(100_000_000_000 + number);
const always = { path: '/', times: 1_000_000 };

const config = configSchema.parse({
  discover: {
    accounts: 'organization',
    regions: [REGION],
    externalId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  },
  concurrency: { clusters: 10 },
});

type Broken = {
  readonly way: string;
  break(parts: { aws: StubOrganization; id: string; stubs: readonly StubApiServer[] }): void;
  /** In a gap of the account, or in the reason for each of its clusters. */
  readonly says: { readonly gap: RegExp } | { readonly reason: RegExp };
};

const everyCluster = (aws: StubOrganization, id: string, changes: object): void => {
  const { clusters } = aws.account(id);
  for (const [name, cluster] of clusters) clusters.set(name, { ...cluster, ...changes });
};

const broken: readonly Broken[] = [
  {
    way: 'no role',
    break: ({ aws, id }) => void aws.account(id).refuses.add('role'),
    says: { gap: /role .* cannot be assumed/ },
  },
  {
    way: 'a region that a policy denies',
    break: ({ aws, id }) => void aws.account(id).refuses.add(REGION),
    says: { gap: /cannot be listed: .*service control policy/ },
  },
  {
    way: 'clusters that may not be described',
    break: ({ aws, id }) => void aws.account(id).refuses.add('/clusters/'),
    says: { reason: /service control policy.*eks:DescribeCluster/ },
  },
  {
    way: 'clusters in the making',
    break: ({ aws, id }) => everyCluster(aws, id, { endpoint: undefined }),
    says: { reason: /no endpoint yet \(status CREATING\)/ },
  },
  {
    way: 'no access entry',
    break({ stubs }) {
      for (const stub of stubs) stub.fail({ ...always, status: 401 });
    },
    says: { reason: /CLUSTER_UNAUTHENTICATED/ },
  },
  {
    way: 'no manifests',
    break({ stubs }) {
      for (const stub of stubs) stub.fail({ ...always, status: 403 });
    },
    says: { reason: /CLUSTER_FORBIDDEN/ },
  },
  {
    way: 'an endpoint that nobody listens on',
    break: ({ aws, id }) => everyCluster(aws, id, { endpoint: 'https://127.0.0.1:9' }),
    says: { reason: /CLUSTER_UNREACHABLE/ },
  },
  {
    way: 'a private endpoint whose name is not known here',
    break: ({ aws, id }) => everyCluster(aws, id, { endpoint: 'https://private.invalid' }),
    says: { reason: /CLUSTER_(?:DNS|UNREACHABLE)/ },
  },
  {
    way: 'a certificate of somebody else',
    break: ({ aws, id }) => everyCluster(aws, id, { ca: Buffer.from('no certificate').toString('base64') }),
    says: { reason: /CLUSTER_TLS/ },
  },
  {
    way: 'manifests that lack a right',
    break({ stubs }) {
      for (const stub of stubs) stub.fail({ ...always, path: '/api/v1/nodes', status: 403 });
    },
    says: { reason: /CLUSTER_FORBIDDEN: not allowed to list .*nodes/ },
  },
];

describe(`an organization of ${ACCOUNTS} accounts with ${EACH} clusters each`, () => {
  let aws: StubOrganization;
  let store: DirectoryStore;
  const stubs = new Map<string, StubApiServer[]>();
  const night = async (): Promise<FleetReport> => {
    const { fleet } = await runFleet(store, config, {
      connections: { version: '0.0.0', readSecret: async () => '' },
      find: (discover) => discoverClusters(discover, REGION),
      notifiers: [],
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    return fleet;
  };
  const reasonOf = (fleet: FleetReport, cluster: string): string => {
    const found = fleet.clusters.find((each) => each.cluster === cluster);
    return found !== undefined && 'verdict' in found ? (found.reason ?? '') : 'lost';
  };

  beforeAll(async () => {
    aws = await StubOrganization.start();
    for (const [name, value] of [
      ['AWS_ENDPOINT_URL', aws.endpoint],
      ['AWS_ACCESS_KEY_ID', 'test'],
      ['AWS_SECRET_ACCESS_KEY', 'test'],
      ['AWS_REGION', REGION],
    ] as const)
      vi.stubEnv(name, value);
    store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-')));
    for (let account = 0; account < ACCOUNTS; account += 1) {
      const own: StubApiServer[] = [];
      for (let number = 0; number < EACH; number += 1) {
        const stub = await StubApiServer.start();
        await serveRecording(stub, account === ACCOUNTS - 1 && number === 0 ? 'broken' : 'healthy');
        aws.account(idOf(account)).clusters.set(`${REGION}/c${number}`, { endpoint: stub.url, ca });
        own.push(stub);
      }
      stubs.set(idOf(account), own);
    }
    for (const [account, each] of broken.entries())
      each.break({ aws, id: idOf(account), stubs: stubs.get(idOf(account)) ?? [] });
  }, 600_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    aws.close();
    await Promise.all([...stubs.values()].flat().map((stub) => stub.close()));
  });

  it('has a conclusion of every cluster, and the missing link of each that could not be reached', async () => {
    const begun = performance.now();
    const fleet = await night();
    console.info(
      `${fleet.clusters.length} clusters: ${Math.round((performance.now() - begun) / 1000)} s, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB`,
    );
    const unlisted = broken.filter(({ says }) => 'gap' in says).length;
    expect(fleet).toMatchObject({ lost: 0, verdict: 'critical' });
    expect(fleet.clusters).toHaveLength((ACCOUNTS - unlisted) * EACH);
    expect(fleet.gaps).toHaveLength(unlisted);
    for (const [account, { way, says }] of broken.entries()) {
      if ('gap' in says) {
        const gap = fleet.gaps.find(({ place }) => place.startsWith(idOf(account)));
        expect(gap?.reason, way).toMatch(says.gap);
        expect(gap?.remedy, way).not.toBe('');
      } else
        for (let number = 0; number < EACH; number += 1)
          expect(reasonOf(fleet, `${idOf(account)}/${REGION}/c${number}`), way).toMatch(says.reason);
    }
    const whole = fleet.clusters.filter((each) => 'verdict' in each && each.reached && each.coverage === 1);
    expect(whole).toHaveLength((ACCOUNTS - broken.length) * EACH);
  }, 3_600_000);

  it('audits a new cluster the next night, resolves one that is gone, and goes on with those nobody could ask after', async () => {
    const last = idOf(ACCOUNTS - 1);
    const gone = `${last}/${REGION}/c0`;
    const before = await latestReportOf(store, gone, nothingDamaged);
    expect(before?.findings.length).toBeGreaterThan(0);
    const stub = await StubApiServer.start();
    await serveRecording(stub, 'healthy');
    stubs.get(last)?.push(stub);
    aws.account(last).clusters.delete(`${REGION}/c0`);
    aws.account(last).clusters.set(`${REGION}/new`, { endpoint: stub.url, ca });
    const hidden = idOf(ACCOUNTS - 2);
    aws.account(hidden).refuses.add('role');
    const fleet = await night();
    const of = (cluster: string) => fleet.clusters.find((each) => each.cluster === cluster);
    expect(of(`${last}/${REGION}/new`)).toMatchObject({ reached: true, verdict: 'healthy', coverage: 1 });
    expect(of(gone)).toMatchObject({ removed: true, verdict: 'healthy', resolved: before?.findings.length });
    expect(of(`${hidden}/${REGION}/c0`)).toMatchObject({
      reached: false,
      reason: expect.stringContaining('not trusted'),
    });
    expect((await latestReportOf(store, gone, nothingDamaged))?.findings).toEqual([]);

    const third = await night();
    expect(third.clusters.map(({ cluster }) => cluster)).not.toContain(gone);
    expect(third.clusters.map(({ cluster }) => cluster)).toContain(`${hidden}/${REGION}/c0`);
  }, 3_600_000);
});
