import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../lib/audit/index.ts';
import type { Store } from '../../lib/history/index.ts';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';
import { describeStore, keysOf } from './store-contract.ts';

function open(place: string): Store {
  const store = openStore(place);
  if (store === null) throw new Error(`${place} keeps nothing`);
  return store;
}

describe.skipIf(!hasMoto)('the store in S3', () => {
  let moto: Moto;
  let made = 0;

  beforeAll(async () => {
    moto = await startMoto();
    const client = new S3Client({ forcePathStyle: true });
    await client.send(
      new CreateBucketCommand({
        Bucket: 'audits',
        CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
      }),
    );
  }, 60_000);
  afterAll(async () => await moto?.stop());

  describeStore(async () => {
    made += 1;
    return { store: open(`s3://audits/team-${made}/`), other: open(`s3://audits/team-${made}`) };
  });

  it('lists more keys than one page of S3 holds', async () => {
    const store = open('s3://audits/many');
    for (let n = 10; n < 35; n += 1) await store.putOnce(`k/${n}`, Buffer.from(''));
    expect(await keysOf(store.list('k/'))).toHaveLength(25);
  });

  it('does not see what lies beside its prefix', async () => {
    await open('s3://audits/team').putOnce('x', Buffer.from('x'));
    expect(await keysOf(open('s3://audits/tea').list(''))).toEqual([]);
  });

  it('names the bucket and the way out when it is not there', async () => {
    await expect(open('s3://no-such-bucket/p').putOnce('a', Buffer.from(''))).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('s3://no-such-bucket/p/a'),
      remedy: expect.stringContaining('bucket'),
      retryable: false,
    });
  });

  it('takes only a bucket for a bucket', () => {
    expect(() => open('s3://Not_A_Bucket/x')).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => open('gs://bucket/x')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
