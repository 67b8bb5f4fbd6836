/** Servers that implement S3, and how they handle conditional writes. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { S3Store } from '../../lib/history/index.ts';

afterEach(() => void vi.unstubAllEnvs());

/** The part of S3 that a write needs. `answer` returns the code of a refusal, or null if the object is written. */
async function aServer(answer: (request: IncomingMessage, has: boolean) => [number, string] | null) {
  const objects = new Set<string>();
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const path = request.url?.split('?')[0] ?? '';
      const refusal = answer(request, objects.has(path));
      if (refusal === null) {
        objects.add(path);
        response.writeHead(200, { etag: '"1"' }).end();
        return;
      }
      const [status, code] = refusal;
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${address.port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  return { objects, close: () => server.close() };
}

const heeds = ({ headers }: IncomingMessage, has: boolean): [number, string] | null => {
  const isRefused =
    headers['if-none-match'] === '*'
      ? has
      : headers['if-match'] !== undefined && headers['if-match'] !== '"1"';
  return isRefused ? [412, 'PreconditionFailed'] : null;
};

describe('a server that speaks S3', () => {
  it('is a store where it heeds conditions, with its bucket in the path', async () => {
    const { objects, close } = await aServer(heeds);
    const store = new S3Store({ bucket: 'audits', prefix: 'here' });
    expect(await store.putOnce('a.json', Buffer.from('{}'))).toBe('written');
    expect(await store.putOnce('a.json', Buffer.from('{}'))).toBe('exists');
    expect([...objects]).toContain('/audits/here/a.json');
    close();
  });

  it.each([
    ['takes no notice of conditions', () => null, 'If-None-Match is ignored'],
    [
      'takes no notice of If-Match',
      (request: IncomingMessage, has: boolean) =>
        request.headers['if-match'] === undefined ? heeds(request, has) : null,
      'If-Match is ignored',
    ],
    ['does not know them', () => [501, 'NotImplemented'] as [number, string], 'NotImplemented'],
  ])('that %s is no store, and nothing of a report is written to it', async (_, answer, words) => {
    const { objects, close } = await aServer(answer);
    const store = new S3Store({ bucket: 'audits', prefix: '' });
    await expect(store.putOnce('reports/a.json', Buffer.from('{}'))).rejects.toMatchObject({
      code: 'STORE',
      retryable: false,
      message: expect.stringContaining(words),
      remedy: expect.stringContaining('conditional writes'),
    });
    expect([...objects]).not.toContain('/audits/reports/a.json');
    close();
  });
});
