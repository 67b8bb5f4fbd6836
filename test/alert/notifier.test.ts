import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { digestOf, type Message, SnsNotifier } from '../../lib/alert/index.ts';

/** SNS, limited to publishing. */
let published: URLSearchParams[];
const sns = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  published.push(new URLSearchParams(body));
  response.end(
    '<PublishResponse><PublishResult><MessageId>id-1</MessageId></PublishResult></PublishResponse>',
  );
});

beforeAll(async () => {
  sns.listen(0, '127.0.0.1');
  await once(sns, 'listening');
  vi.stubEnv('AWS_ENDPOINT_URL_SNS', `http://127.0.0.1:${(sns.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterAll(() => {
  vi.unstubAllEnvs();
  sns.close();
});
beforeEach(() => {
  published = [];
});

const message: Message = {
  ...digestOf({ runId: 'run', clusters: [] }, { page: null, command: '' }),
  subject: 'prod: critical',
  text: 'for people',
  json: '{"for":"programs"}',
  chat: '{"for":"a chat"}',
};

async function bodies(https?: 'json' | 'chat'): Promise<Record<string, string>> {
  const topic = 'arn:aws:sns:eu-west-1:111122223333:audits';
  const notifier = https === undefined ? new SnsNotifier(topic) : new SnsNotifier(topic, { https });
  expect(await notifier.send(message)).toBe('id-1');
  return JSON.parse(published.at(-1)?.get('Message') ?? '');
}

describe('a topic', () => {
  it('gives people the mail and programs the JSON', async () => {
    const { json } = message;
    expect(await bodies()).toEqual({ default: 'for people', sqs: json, lambda: json, https: json });
    expect(published[0]?.get('Subject')).toBe('prod: critical');
  });

  it('gives a chat its form where https subscriptions ask for it, and others what they had', async () => {
    expect(await bodies('chat')).toMatchObject({ https: message.chat, sqs: message.json });
  });

  it('names kind, severity and cluster in attributes, for filter policies', async () => {
    await bodies();
    const all = [...(published[0]?.entries() ?? [])].filter(([key]) => key.startsWith('MessageAttributes'));
    expect(all.map(([, value]) => value)).toEqual(
      expect.arrayContaining(['kind', 'digest', 'severity', 'low', 'cluster', '*', 'newFindings', '0']),
    );
  });
});
