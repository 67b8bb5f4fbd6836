/** What a function answers when it fails: the state machine matches the name, and has little room for the text. */
import type { Context } from 'aws-lambda';
import { beforeAll, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { AuditError } from '../../lib/model/errors.ts';

let make: typeof import('../../lambda/handler.ts').makeHandler;
beforeAll(async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  ({ makeHandler: make } = await import('../../lambda/handler.ts'));
});

async function failed(thrown: unknown): Promise<{ name: string; message: string; stack: string }> {
  const act = async () => {
    throw thrown;
  };
  const handler = make(z.unknown(), z.unknown(), act);
  return await Promise.resolve(handler({}, { functionName: 'f' } as Context)).then(
    () => expect.fail('it did not fail'),
    (error) => error,
  );
}

it.each([
  [true, 'Retryable'],
  [false, 'STORE'],
])('what may go well the next time (%s) is called %s', async (retryable, name) => {
  const error = await failed(new AuditError('STORE', 'S3 refused.', { retryable, remedy: 'Wait.' }));
  expect({ name: error.name, message: error.message }).toEqual({ name, message: 'S3 refused. Wait.' });
});

it('says little however much there is to say: the last state gets the errors of all clusters', async () => {
  const issues = z.array(z.string()).safeParse(Array.from({ length: 1_000 }, () => 1)).error;
  const long = new AuditError('CLUSTER_API', 'x'.repeat(9_000), { remedy: 'y'.repeat(9_000) });
  for (const thrown of [issues, long, new Error('z'.repeat(9_000))]) {
    const { name, message, stack } = await failed(thrown);
    expect(name).not.toBe('');
    expect(`${message}${stack}`.length).toBeLessThanOrEqual(500);
  }
});
