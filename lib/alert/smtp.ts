/** Mail by SMTP: one plain message over a connection with TLS (RFC 5321, 3207, 4954, 5322). */
import { createHash } from 'node:crypto';
import { connect as connectPlain, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { createInterface, type Interface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import type { Destination } from '../model/destination.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import type { Severity } from '../model/finding.ts';
import type { Message } from './message.ts';
import type { Notifier } from './notifier.ts';

const MILLISECONDS = 20_000;
/** No mail server sends longer answers. */
const LINES = 100;

type Mail = Extract<Destination, { kind: 'mail' }>;

/** Sends mails over SMTP (RFC 5321). It throws AuditError ALERT. */
export class MailNotifier implements Notifier {
  readonly destination: string;
  readonly minSeverity?: Severity;
  readonly #mail: Mail;
  readonly #password: string | null;

  constructor(mail: Mail, password: string | null) {
    this.destination = `mail ${mail.name}`;
    if (mail.minSeverity !== undefined) this.minSeverity = mail.minSeverity;
    this.#mail = mail;
    this.#password = password;
  }

  async send(message: Message): Promise<string> {
    const { host, port, tls, from, to, user } = this.#mail;
    const text = mailText(message, { from, to });
    const plain =
      tls === 'implicit' ? connectTls({ host, port, servername: host }) : connectPlain(port, host);
    let session = new Session(plain);
    try {
      await session.expect(220, 'a greeting');
      let offers = await session.hello();
      if (tls === 'starttls') {
        if (!offers.some((line) => /^STARTTLS$/i.test(line)))
          throw new Refusal('it offers no STARTTLS', 'Use port 465 with tls: implicit, or another server.');
        await session.ask('STARTTLS', 220);
        session = session.secured(host);
        offers = await session.hello();
      }
      if (user !== undefined && this.#password !== null) await session.login(user, this.#password, offers);
      await session.ask(`MAIL FROM:<${from}>`, 250);
      for (const each of to) await session.ask(`RCPT TO:<${each}>`, 250);
      await session.ask('DATA', 354);
      await session.ask(`${text.body}\r\n.`, 250);
      // The server has the message: a failed farewell changes nothing.
      await session.ask('QUIT', 221).catch(() => null);
      return text.id;
    } catch (error) {
      const isRefusal = error instanceof Refusal;
      throw new AuditError(
        'ALERT',
        `${this.destination} (${host}:${port}) did not take it: ${messageOf(error)}`,
        {
          ...(isRefusal ? {} : { cause: error }),
          retryable: !isRefusal || error.isTransient,
          remedy:
            `${isRefusal ? error.remedy : 'Check that the server and its port can be reached from here, and check its certificate (NODE_EXTRA_CA_CERTS for a CA of your own).'}` +
            ' The next run reports what this one could not.',
        },
      );
    } finally {
      session.end();
    }
  }
}

/** The command that the server refused. */
class Refusal extends Error {
  readonly remedy: string;
  readonly isTransient: boolean;

  constructor(message: string, remedy: string, isTransient = false) {
    super(message);
    this.remedy = remedy;
    this.isTransient = isTransient;
  }
}

/** A line-based dialogue; errors never repeat what the client sends, as it may be a password. */
class Session {
  readonly #socket: Socket;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;
  #failure: Error | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(MILLISECONDS, () => socket.destroy(new Error(`no answer in ${MILLISECONDS / 1000} s`)));
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    this.#reader = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    socket.on('close', () => this.#reader.close());
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** The same connection, with TLS from here on. */
  secured(servername: string): Session {
    this.#reader.removeAllListeners();
    this.#socket.removeAllListeners();
    return new Session(connectTls({ socket: this.#socket, servername }));
  }

  /** @returns the lines of the answer, without their code @throws if the code differs */
  async expect(code: number, to: string): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const { value = '', done } = await this.#lines.next();
      if (done === true) throw this.#failure ?? new Error(`it hung up after ${to}`);
      lines.push(value.slice(4));
      if (lines.length > LINES) throw new Error(`it answers ${to} without end`);
      if (/^\d{3}-/.test(value)) continue;
      if (value.startsWith(String(code))) return lines;
      throw new Refusal(
        `${to}: ${value.slice(0, 200)}`,
        value.startsWith('5') && /^(?:AUTH|53)/.test(`${to}${value}`)
          ? 'Check user and password.'
          : 'See what the server says: addresses it takes, user and password, or later again.',
        value.startsWith('4'),
      );
    }
  }

  async ask(line: string, code: number, named = line.split(/[\s:]/)[0] ?? ''): Promise<string[]> {
    this.#socket.write(`${line}\r\n`);
    return await this.expect(code, code === 250 && named.length > 8 ? 'the message' : named);
  }

  async hello(): Promise<string[]> {
    return await this.ask(`EHLO ${/^[\w.-]+$/.test(hostname()) ? hostname() : 'localhost'}`, 250);
  }

  async login(user: string, password: string, offers: readonly string[]): Promise<void> {
    const mechanisms = offers.find((line) => /^AUTH[ =]/i.test(line))?.toUpperCase() ?? '';
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    if (mechanisms.includes('PLAIN')) {
      await this.ask(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`, 235);
    } else if (mechanisms.includes('LOGIN')) {
      await this.ask('AUTH LOGIN', 334);
      await this.ask(base64(user), 334, 'AUTH');
      await this.ask(base64(password), 235, 'AUTH');
    } else throw new Refusal('it offers no login by password (AUTH PLAIN or LOGIN)', 'Use another server.');
  }

  end(): void {
    this.#reader.close();
    this.#socket.destroy();
  }
}

/** Base64 keeps lines short, and no line of it is a single dot. */
function mailText(
  { subject, text }: Message,
  { from, to }: { readonly from: string; readonly to: readonly string[] },
): { id: string; body: string } {
  const id = `<${createHash('sha256').update(subject).update(text).digest('hex').slice(0, 32)}@${from.split('@')[1] ?? 'localhost'}>`;
  const lines =
    Buffer.from(text.replaceAll('\n', '\r\n'))
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const head = [
    `From: netns-audit <${from}>`,
    `To: ${to.map((each) => `<${each}>`).join(',\r\n ')}`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${id}`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ];
  return { id, body: [...head, '', ...lines].join('\r\n') };
}
