/** How clusters are found, with a server that answers as STS, EKS and Organizations do. */
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { discoverClusters } from '../../lib/cluster/discover.ts';
import { discoverSchema } from '../../lib/model/discovery.ts';
import { StubOrganization } from '../stub/organization.ts';

const EXTERNAL_ID = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const A = '111111111111';
const B = '222222222222';
const C = '333333333333';

let aws: StubOrganization;
beforeAll(async () => {
  aws = await StubOrganization.start();
  vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  aws.units.set('ou-aaaa-11111111', { units: ['ou-aaaa-22222222'], accounts: [] });
  aws.units.set('ou-aaaa-22222222', { units: [], accounts: [B] });
});
beforeEach(() => {
  aws.calls.length = 0;
  aws.refusesOrganization = false;
  aws.accounts.clear();
  const { clusters } = aws.account(A);
  clusters.set('eu-west-1/one', { tags: { audit: 'yes' } });
  clusters.set('eu-west-1/two', {});
  clusters.set('eu-west-1/three', { tags: { audit: 'yes' } });
  aws.account(B).clusters.set('us-east-1/one', { tags: { audit: 'no' } });
  aws.account(C, 'SUSPENDED');
  for (let number = 0; number < 30; number += 1) aws.account(String(444_444_444_400 + number), 'SUSPENDED');
});
afterAll(() => {
  vi.unstubAllEnvs();
  aws.close();
});

const find = (more: object = {}) =>
  discoverClusters(
    discoverSchema.parse({
      accounts: 'organization',
      regions: ['eu-west-1', 'us-east-1'],
      externalId: EXTERNAL_ID,
      ...more,
    }),
    'eu-central-1',
  );
const named = ({ clusters: found }: Awaited<ReturnType<typeof find>>): string[] =>
  found.map(({ name }) => name);

it('finds every cluster of the active accounts of an organization, page by page', async () => {
  const found = await find();
  expect(named(found)).toEqual([
    `${A}/eu-west-1/one`,
    `${A}/eu-west-1/three`,
    `${A}/eu-west-1/two`,
    `${B}/us-east-1/one`,
  ]);
  expect(found).toMatchObject({ gaps: [], accounts: [A, B] });
  expect(found.looked).toHaveLength(4);
  expect(found.clusters[0]).toEqual({
    name: `${A}/eu-west-1/one`,
    eks: {
      name: 'one',
      region: 'eu-west-1',
      roleArn: `arn:aws:iam::${A}:role/netns-auditor`,
      externalId: EXTERNAL_ID,
      accessEntry: false,
    },
  });
  // One role per account, however many regions it has.
  expect(aws.calls.filter((call) => call.startsWith('AssumeRole')).toSorted()).toEqual([
    `AssumeRole ${A} ${EXTERNAL_ID}`,
    `AssumeRole ${B} ${EXTERNAL_ID}`,
  ]);
});

it('finds those of units and of units below them, beside single accounts', async () => {
  expect(named(await find({ accounts: [A, 'ou-aaaa-11111111'] }))).toHaveLength(4);
  expect(named(await find({ accounts: [A] }))).toHaveLength(3);
  expect(aws.calls.filter((call) => call === 'ListAccounts')).toEqual([]);
});

it('takes only clusters with all of the tags', async () => {
  expect(named(await find({ tags: { audit: 'yes' } }))).toEqual([
    `${A}/eu-west-1/one`,
    `${A}/eu-west-1/three`,
  ]);
});

it('names what it cannot look into, with its fix, and finds the rest', async () => {
  aws.account(A).refuses.add('role');
  aws.account(B).refuses.add('eu-west-1');
  const found = await find();
  expect(named(found)).toEqual([`${B}/us-east-1/one`]);
  expect(found.looked).toEqual([`${B}/us-east-1`]);
  expect(found.gaps).toMatchObject([
    { place: A, reason: expect.stringContaining('not trusted'), remedy: expect.stringContaining('StackSet') },
    {
      place: `${B}/eu-west-1`,
      reason: expect.stringContaining('denied by'),
      remedy: expect.stringContaining('service control policy'),
    },
  ]);
});

it('takes nothing for gone where the organization does not say its accounts', async () => {
  aws.refusesOrganization = true;
  const found = await find({ accounts: [A, 'ou-aaaa-11111111'] });
  expect(found).toMatchObject({
    accounts: null,
    gaps: [{ place: 'organization', remedy: expect.stringContaining('delegated administrator') }],
  });
  expect(named(found)).toHaveLength(3);
});
