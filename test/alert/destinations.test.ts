import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  changesOf,
  clusterMessage,
  type Message,
  type Notifier,
  notifiersOf,
} from '../../lib/alert/index.ts';
import { alertsSchema, settingsSchema } from '../../lib/model/config.ts';
import type { Destination } from '../../lib/model/destination.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { CERTIFICATE, startSmtp } from './smtp-server.ts';

const { thresholds } = settingsSchema.parse({});
const KEY = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

type Request = { readonly headers: IncomingHttpHeaders; readonly url: string; readonly body: string };

/** A server that answers each request with the next of the codes, and repeats the last. */
async function startHttp(...codes: number[]): Promise<{ url: string; requests: Request[] }> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { headers, url = '' } = request;
      requests.push({ headers, url, body: Buffer.concat(parts).toString() });
      const code = codes[Math.min(requests.length, codes.length) - 1] ?? 200;
      response.writeHead(code, code === 302 ? { location: '/elsewhere' } : {}).end('an answer');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, requests };
}

function destination(given: object): Destination {
  const [first] = alertsSchema.parse({ destinations: [{ name: 'on-call', ...given }] }).destinations;
  if (first === undefined) throw new Error('no destination');
  return first;
}

function notifier(given: object, environment: Record<string, string> = {}): Notifier {
  const [first] = notifiersOf([destination(given)], environment);
  if (first === undefined) throw new Error('no notifier');
  return first;
}

const links = { page: null, command: 'netns-audit reports show' };
const finding = aFinding({ title: 'Pod without <eth0> & more', severity: 'critical' });
const report = aReport({ findings: [finding] });

function aMessage(): Message {
  return clusterMessage(report, changesOf(report, null, thresholds), links);
}

describe('a webhook', () => {
  it('gets the JSON, signed over its id, its time and its body, so that a receiver can refuse what is forged or old', async () => {
    const { url, requests } = await startHttp();
    const hook = notifier(
      { kind: 'webhook', url: `${url}/hook`, secret: { env: 'KEY' } },
      { KEY: `whsec_${KEY}` },
    );
    const message = aMessage();
    const before = Math.floor(Date.now() / 1000);
    const id = await hook.send(message);
    const [request] = requests;
    expect(request?.body).toBe(message.json);
    expect(request?.url).toBe('/hook');
    const {
      'webhook-id': sent,
      'webhook-timestamp': time,
      'webhook-signature': signature,
    } = request?.headers ?? {};
    expect(sent).toBe(id);
    expect(Number(time)).toBeGreaterThanOrEqual(before);
    const signed = createHmac('sha256', Buffer.from(KEY, 'base64')).update(
      `${sent}.${time}.${request?.body}`,
    );
    expect(signature).toBe(`v1,${signed.digest('base64')}`);
  });

  it('gets the same message under the same id when it is sent again', async () => {
    const { url, requests } = await startHttp(503, 200);
    await notifier({ kind: 'webhook', url }).send(aMessage());
    expect(requests).toHaveLength(2);
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(requests[0]?.headers['webhook-signature']).toBeUndefined();
  });

  it('is told nothing twice by a refusal, and a redirect is not followed', async () => {
    for (const code of [400, 401, 302]) {
      const { url, requests } = await startHttp(code);
      const attempt = notifier({ kind: 'webhook', url: `${url}/token-in-path` }).send(aMessage());
      const error = await attempt.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'ALERT', retryable: false });
      expect(String(error)).toContain(`webhook on-call did not take the message: it answered ${code}`);
      expect(String(error)).not.toContain('token-in-path');
      expect(requests).toHaveLength(1);
    }
  });

  it('that nobody answers is an error that may pass, without the URL in it', async () => {
    const url = 'http://127.0.0.1:1/token-in-path';
    const error = await notifier({ kind: 'webhook', url })
      .send(aMessage())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ALERT', retryable: true });
    expect(`${error} ${JSON.stringify(error)}`).not.toContain('token-in-path');
  });
});

describe('Slack', () => {
  it('gets blocks that it takes, with nothing of a node read as markup', async () => {
    const { url, requests } = await startHttp();
    const slack = notifier({ kind: 'slack', url: { env: 'SLACK' } }, { SLACK: `${url}/services/T/B/x\n` });
    await slack.send(aMessage());
    expect(requests[0]?.url).toBe('/services/T/B/x');
    const { text, blocks } = JSON.parse(requests[0]?.body ?? '') as {
      text: string;
      blocks: { text: { text: string } }[];
    };
    expect(text).toContain('prod-eu healthy: ');
    const shown = blocks.map((block) => block.text.text);
    expect(shown.join('\n')).toContain('Pod without &lt;eth0&gt; &amp; more');
    expect(shown.every((each) => each.length > 0 && each.length <= 3000)).toBe(true);
    expect(slack.destination).toBe('slack on-call');
  });
});

describe('Alertmanager', () => {
  it('gets what is open with an end in the future, and what is over with its end', async () => {
    const { url, requests } = await startHttp();
    const manager = notifier(
      { kind: 'alertmanager', url: `${url}/am/`, authorization: { env: 'TOKEN' } },
      { TOKEN: 'Bearer abc' },
    );
    const changes = changesOf(report, null, thresholds);
    await manager.send(clusterMessage(report, changes, links));
    const later = aReport({
      runId: '20260103T030405Z-0a1b2c3d',
      startedAt: '2026-01-03T03:04:05Z',
      findings: [],
    });
    const record = {
      schemaVersion: 1 as const,
      kind: 'AlertRecord' as const,
      runId: report.runId,
      cluster: 'prod-eu',
      message: null,
      ...changes.next,
    };
    await manager.send(clusterMessage(later, changesOf(later, record, thresholds), links));
    const [opened, over] = requests.map(({ body }) => JSON.parse(body) as Message['alerts']);
    expect(requests[0]?.url).toBe('/am/api/v2/alerts');
    expect(requests[0]?.headers.authorization).toBe('Bearer abc');
    expect(opened?.[0]).toMatchObject({
      labels: { alertname: finding.check, cluster: 'prod-eu', severity: 'critical' },
      endsAt: '2026-01-10T03:04:05.000Z',
    });
    expect(over?.[0]).toMatchObject({ labels: opened?.[0]?.labels, endsAt: '2026-01-03T03:04:05Z' });
  });

  it('ends the alert of the severity before where a finding got worse', () => {
    const mild = aReport({ findings: [aFinding({ severity: 'high' })] });
    const record = {
      schemaVersion: 1 as const,
      kind: 'AlertRecord' as const,
      runId: mild.runId,
      cluster: 'prod-eu',
      message: null,
      ...changesOf(mild, null, thresholds).next,
    };
    const worse = aReport({
      startedAt: '2026-01-03T03:04:05Z',
      findings: [aFinding({ severity: 'critical', state: 'open' })],
    });
    const { alerts } = clusterMessage(worse, changesOf(worse, record, thresholds), links);
    expect(alerts.map(({ labels, endsAt }) => [labels.severity, endsAt > worse.startedAt])).toEqual([
      ['critical', true],
      ['high', false],
    ]);
  });
});

describe('mail', () => {
  const before = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...before, CERTIFICATE]));
  afterAll(() => setDefaultCACertificates(before));

  const mail = {
    kind: 'mail',
    host: 'localhost',
    from: 'audit@example.com',
    to: ['a@example.com', 'b@example.com'],
  };
  const login = { user: 'audit', password: { env: 'PASSWORD' } };
  const environment = { PASSWORD: 'pass-word' };

  it.each([
    ['STARTTLS', false, ['AUTH PLAIN LOGIN']],
    ['STARTTLS and AUTH LOGIN', false, ['AUTH LOGIN']],
    ['TLS from the start', true, ['AUTH PLAIN']],
  ])('goes over %s, to each address, as text that a mail program reads', async (_, implicit, offers) => {
    const server = await startSmtp({ implicit, offers });
    const given = { ...mail, ...login, port: server.port, tls: implicit ? 'implicit' : 'starttls' };
    const message = aMessage();
    await notifier(given, environment).send(message);
    const [received] = server.received;
    expect(received).toMatchObject({
      secure: true,
      from: 'audit@example.com',
      to: ['a@example.com', 'b@example.com'],
    });
    expect(received?.login?.replace(':', '')).toBe('auditpass-word');
    const [head = '', body = ''] = received?.data.split('\n\n') ?? [];
    expect(head).toContain(`Subject: ${message.subject}`);
    expect(Buffer.from(body, 'base64').toString().replaceAll('\r\n', '\n')).toBe(message.text);
  });

  it('needs no TLS and no login where a relay in the cluster takes it so', async () => {
    const server = await startSmtp({ starttls: false, offers: [] });
    await notifier({ ...mail, port: server.port, tls: 'none' }).send(aMessage());
    expect(server.received[0]).toMatchObject({ secure: false, login: null });
  });

  it('gives no password to a server that offers no TLS', async () => {
    const server = await startSmtp({ starttls: false });
    const attempt = notifier({ ...mail, ...login, port: server.port }, environment).send(aMessage());
    await expect(attempt).rejects.toMatchObject({
      code: 'ALERT',
      message: expect.stringContaining('no STARTTLS'),
    });
    expect(server.lines.filter((line) => line.startsWith('AUTH'))).toEqual([]);
  });

  it('gives nothing to a server whose certificate nobody vouches for', async () => {
    setDefaultCACertificates(before);
    onTestFinished(() => setDefaultCACertificates([...before, CERTIFICATE]));
    const server = await startSmtp();
    const attempt = notifier({ ...mail, ...login, port: server.port }, environment).send(aMessage());
    await expect(attempt).rejects.toMatchObject({
      code: 'ALERT',
      message: expect.stringContaining('certificate'),
    });
    expect(server.received).toEqual([]);
  });

  it.each([
    ['AUTH', '535 5.7.8 wrong password', false, 'Check user and password'],
    ['RCPT', '550 no such user', false, 'addresses'],
    ['MAIL', '451 try later', true, 'later'],
  ])('says what the server said to %s, and never the password', async (verb, answer, retryable, remedy) => {
    const server = await startSmtp({ answers: { [verb]: answer } });
    const error = await notifier({ ...mail, ...login, port: server.port }, environment)
      .send(aMessage())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ALERT', retryable, remedy: expect.stringContaining(remedy) });
    expect(String(error)).toContain(answer);
    expect(JSON.stringify(error)).not.toContain(Buffer.from('\0audit\0pass-word').toString('base64'));
    expect(String(error)).not.toContain('pass-word');
  });
});

describe('a secret', () => {
  it('is read from a file as well, without its line break', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'netns-audit-secret-'));
    onTestFinished(async () => await rm(directory, { recursive: true }));
    const { url, requests } = await startHttp();
    await writeFile(join(directory, 'url'), `${url}/x\n`);
    await notifier({ kind: 'slack', url: { file: join(directory, 'url') } }).send(aMessage());
    expect(requests).toHaveLength(1);
  });

  it.each([
    [{ kind: 'slack', url: { env: 'NOT_SET' } }, {}, 'the environment variable NOT_SET is not set'],
    [{ kind: 'slack', url: { file: '/nonexistent' } }, {}, '/nonexistent: no such file or directory'],
    [{ kind: 'slack', url: { env: 'URL' } }, { URL: 'hooks.slack.com/hunter2' }, 'its URL is none'],
    [
      { kind: 'webhook', url: 'https://x.example', secret: { env: 'KEY' } },
      { KEY: 'hunter2' },
      'base64 of at least 24 bytes',
    ],
    [
      { kind: 'alertmanager', url: 'https://x.example', authorization: { env: 'TOKEN' } },
      { TOKEN: 'Bearer hunter2\nX-Other: 1' },
      'its authorization is not the text of a header',
    ],
  ])('that is missing or wrong is named, and not shown: %j', (given, environment, message) => {
    const make = (): Notifier => notifier(given, environment);
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(make).toThrow(message);
    expect(make).not.toThrow('hunter2');
  });

  it.each([
    [{ kind: 'slack', url: 'https://hooks.slack.com/services/x' }],
    [{ kind: 'mail', host: 'x', from: 'a@b', to: ['c@d'], user: 'u', password: 'plain' }],
    [{ kind: 'mail', host: 'x', from: 'a@b', to: ['c@d'], user: 'u', password: { env: 'P' }, tls: 'none' }],
    [{ kind: 'mail', host: 'x', from: 'a@b', to: ['c@d>\r\nRCPT TO:<e@f'] }],
  ])('never stands in the configuration, goes over TLS only, and no address holds a command: %j', (given) => {
    expect(() => destination(given)).toThrow();
  });
});
