/** Destinations reached over HTTP: a webhook, Slack, Alertmanager. */
import { createHash, createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { AuditError, codeOf } from '../model/errors.ts';
import type { Severity } from '../model/finding.ts';
import type { Message } from './message.ts';
import type { Notifier } from './notifier.ts';

const TRIES = 3;
const MILLISECONDS = 10_000;
/** Slack allows 3,000 characters per block, and 50 blocks. */
const BLOCK = 2900;

type Named = { readonly name: string; readonly minSeverity?: Severity | undefined };

/**
 * Posts the JSON of a message in the form of Standard Webhooks (https://www.standardwebhooks.com):
 * `webhook-id`, the same when it is sent again, `webhook-timestamp` in seconds, and with a key
 * `webhook-signature`, `v1,` and base64 of the HMAC-SHA256 of `id.timestamp.body`.
 */
export class WebhookNotifier implements Notifier {
  readonly destination: string;
  readonly minSeverity?: Severity;
  readonly #url: string;
  readonly #key: Buffer | null;

  /** @param key - null sends without a signature */
  constructor({ name, minSeverity }: Named, url: string, key: Buffer | null) {
    this.destination = `webhook ${name}`;
    if (minSeverity !== undefined) this.minSeverity = minSeverity;
    this.#url = url;
    this.#key = key;
  }

  async send({ json }: Message): Promise<string> {
    const id = `msg_${createHash('sha256').update(json).digest('hex').slice(0, 32)}`;
    await post(this.destination, this.#url, json, () => {
      // Each try has its own: a receiver that refuses old timestamps accepts the last.
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = this.#key === null ? null : signatureOf(this.#key, id, timestamp, json);
      return {
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(signature === null ? {} : { 'webhook-signature': signature }),
      };
    });
    return id;
  }
}

function signatureOf(key: Buffer, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** The part of {@link Message.chat} that Slack shows. */
const chatSchema = z.object({
  content: z.object({ title: z.string(), description: z.string(), nextSteps: z.array(z.string()) }),
});

/** An incoming webhook of Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export class SlackNotifier implements Notifier {
  readonly destination: string;
  readonly minSeverity?: Severity;
  readonly #url: string;

  constructor({ name, minSeverity }: Named, url: string) {
    this.destination = `slack ${name}`;
    if (minSeverity !== undefined) this.minSeverity = minSeverity;
    this.#url = url;
  }

  async send({ chat }: Message): Promise<string> {
    const { title, description, nextSteps } = chatSchema.parse(JSON.parse(chat)).content;
    const texts = [`*${title}*`, ...blocksOf(description), ...blocksOf(nextSteps.join('\n'))];
    const blocks = texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }));
    const body = JSON.stringify({ text: title, blocks, unfurl_links: false });
    await post(this.destination, this.#url, body);
    return createHash('sha256').update(body).digest('hex').slice(0, 32);
  }
}

/** Cut between lines: half a piece of markup would be visible. */
function blocksOf(text: string): string[] {
  const blocks: string[] = [];
  for (const line of text.split('\n')) {
    const last = blocks.at(-1);
    if (last !== undefined && last.length + line.length < BLOCK)
      blocks[blocks.length - 1] = `${last}\n${line}`;
    else blocks.push(line.slice(0, BLOCK));
  }
  return blocks.filter((block) => block.trim() !== '');
}

/**
 * Alertmanager, through its API v2. It gets all open alerts after each run, as it does not keep them over a
 * restart.
 */
export class AlertmanagerNotifier implements Notifier {
  readonly destination: string;
  readonly takes = 'state';
  readonly #url: string;
  readonly #authorization: string | null;

  constructor({ name }: Named, url: string, authorization: string | null) {
    this.destination = `alertmanager ${name}`;
    this.#url = `${url.replace(/\/+$/, '')}/api/v2/alerts`;
    this.#authorization = authorization;
  }

  async send({ alerts }: Message): Promise<string> {
    const body = JSON.stringify(alerts);
    await post(this.destination, this.#url, body, () =>
      this.#authorization === null ? {} : { authorization: this.#authorization },
    );
    return createHash('sha256').update(body).digest('hex').slice(0, 32);
  }
}

/**
 * Sends until accepted: retries an answer of 5xx or 429, or no answer.
 *
 * @param headersOf - called before each try
 * @throws AuditError ALERT, without any part of the URL: it may be a secret
 */
async function post(
  destination: string,
  url: string,
  body: string,
  headersOf: () => Readonly<Record<string, string>> = () => ({}),
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const problem = await postOnce(url, body, headersOf());
    if (problem === null) return;
    if (problem.retryable && tries < TRIES) {
      await sleep(500 * 2 ** tries);
      continue;
    }
    throw new AuditError('ALERT', `${destination} did not take the message: ${problem.text}`, {
      retryable: problem.retryable,
      remedy: problem.retryable
        ? 'It was asked several times. See that its server is up and can be reached from here (name, port, ' +
          'proxy, certificate: NODE_EXTRA_CA_CERTS); the next run tells what this one could not.'
        : 'Check its URL and its key or token; the next run tells what this one could not.',
    });
  }
}

async function postOnce(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly text: string; readonly retryable: boolean } | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'netns-auditor', ...headers },
      // A redirect could send the message, and its token, to an unknown place.
      redirect: 'manual',
      signal: AbortSignal.timeout(MILLISECONDS),
    });
    await response.body?.cancel();
    if (response.ok) return null;
    return {
      text: `it answered ${response.status}${response.status >= 300 && response.status < 400 ? ', a redirect, which is not followed' : ''}`,
      retryable: response.status >= 500 || response.status === 429,
    };
  } catch (error) {
    return { text: reasonOf(error), retryable: true };
  }
}

/** The code of the failure: messages of fetch may contain the URL. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${MILLISECONDS / 1000} s`;
  return codeOf(error instanceof Error ? error.cause : undefined) || 'no connection';
}
