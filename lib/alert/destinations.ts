/** Creates destinations from the configuration, and reads their secrets from the places it names. */
import { readFileSync } from 'node:fs';
import type { Destination, Secret } from '../model/destination.ts';
import { AuditError, whyUnreadable } from '../model/errors.ts';
import type { Notifier } from './notifier.ts';
import { MailNotifier } from './smtp.ts';
import { AlertmanagerNotifier, SlackNotifier, WebhookNotifier } from './webhook.ts';

/** Length of a key, as Standard Webhooks requires. */
const KEY_BYTES = 24;

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws AuditError CONFIG_INVALID if a secret is missing or malformed; the error never contains its text */
export function notifiersOf(destinations: readonly Destination[], environment: Environment): Notifier[] {
  return destinations.map((each) => notifierOf(each, (secret) => textOf(each, secret, environment)));
}

function notifierOf(destination: Destination, read: (secret: Secret) => string): Notifier {
  switch (destination.kind) {
    case 'webhook': {
      const { url, secret } = destination;
      return new WebhookNotifier(
        destination,
        typeof url === 'string' ? url : urlOf(destination, read(url)),
        secret === undefined ? null : keyOf(destination, read(secret)),
      );
    }
    case 'slack':
      return new SlackNotifier(destination, urlOf(destination, read(destination.url)));
    case 'alertmanager': {
      const { url, authorization } = destination;
      const header = authorization === undefined ? null : headerOf(destination, read(authorization));
      return new AlertmanagerNotifier(destination, url, header);
    }
    case 'mail': {
      const { password } = destination;
      return new MailNotifier(destination, password === undefined ? null : read(password));
    }
  }
}

/** A file usually ends in a line break, which is not part of the secret. */
function textOf(destination: Destination, secret: Secret, environment: Environment): string {
  const text = 'env' in secret ? environment[secret.env] : contentOf(destination, secret.file);
  const trimmed = text?.trim() ?? '';
  if (trimmed !== '') return trimmed;
  throw invalid(
    destination,
    'env' in secret ? `the environment variable ${secret.env} is not set` : `${secret.file} is empty`,
    'env' in secret ? 'Set it, or name another one.' : 'Put the secret into it, or name another file.',
  );
}

function contentOf(destination: Destination, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(
      destination,
      `${file}: ${whyUnreadable(error)}`,
      'Put the secret into it, or name another file.',
    );
  }
}

function urlOf(destination: Destination, text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw invalid(destination, 'its URL is none', 'It begins with https:// (or http://).');
}

/** Characters that a request header can hold. */
function headerOf(destination: Destination, text: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw invalid(
    destination,
    'its authorization is not the text of a header',
    'It is one line, such as Bearer TOKEN.',
  );
}

function keyOf(destination: Destination, text: string): Buffer {
  const base64 = text.replace(/^whsec_/, '');
  const key = Buffer.from(base64, 'base64');
  if (/^[A-Za-z0-9+/]+=*$/.test(base64) && key.length >= KEY_BYTES) return key;
  throw invalid(
    destination,
    `its secret is not the base64 of at least ${KEY_BYTES} bytes`,
    'Make one with: openssl rand -base64 32',
  );
}

function invalid({ kind, name }: Destination, problem: string, remedy: string): AuditError {
  return new AuditError('CONFIG_INVALID', `destination ${name} (${kind}): ${problem}`, { remedy });
}
