/** Error answers of S3 that moto cannot produce on request. */
import { GetObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { S3Store } from '../../lib/history/index.ts';

const s3 = mockClient(S3Client);
afterEach(() => s3.reset());
afterAll(() => s3.restore());

const store = new S3Store({ bucket: 'audits', prefix: '' });
const body = Buffer.from('{}');

function answer(name: string, httpStatusCode: number): S3ServiceException {
  const $fault = httpStatusCode < 500 ? 'client' : 'server';
  return new S3ServiceException({ name, $fault, message: name, $metadata: { httpStatusCode } });
}

describe('the store in S3', () => {
  it('takes what is there already for done: the first answer may have got lost', async () => {
    s3.on(PutObjectCommand).rejects(answer('PreconditionFailed', 412));
    expect(await store.putOnce('a', body)).toBe('exists');
    expect(await store.replace('a', body, '"old"')).toBe(false);
    expect(
      s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => [input.IfNoneMatch, input.IfMatch]),
    ).toEqual([
      ['*', undefined],
      [undefined, '"old"'],
    ]);
  });

  it('asks again while another writer is at the same key', async () => {
    const conflict = answer('ConditionalRequestConflict', 409);
    s3.on(PutObjectCommand).rejectsOnce(conflict).rejectsOnce(conflict).resolves({});
    expect(await store.putOnce('a', body)).toBe('written');
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(3);
  });

  it.each([
    ['SlowDown', 503, true, 'later'],
    ['InternalError', 500, true, 'later'],
    ['TimeoutError', undefined, true, 'later'],
    ['AccessDenied', 403, false, 's3:PutObject'],
    ['NoSuchBucket', 404, false, 'bucket'],
  ])('says of %s whether to try again, and what to do', async (name, status, retryable, remedy) => {
    const error = status === undefined ? Object.assign(new Error(name), { name }) : answer(name, status);
    s3.on(PutObjectCommand).rejects(error);
    s3.on(GetObjectCommand).rejects(error);
    for (const attempt of [store.putOnce('a', body), store.get('a')])
      await expect(attempt).rejects.toMatchObject({
        code: 'STORE',
        retryable,
        remedy: expect.stringContaining(remedy),
        message: expect.stringContaining('s3://audits/a'),
      });
  });

  it('has nothing where there is no such key', async () => {
    s3.on(GetObjectCommand).rejects(answer('NoSuchKey', 404));
    expect(await store.get('a')).toBeNull();
  });
});
