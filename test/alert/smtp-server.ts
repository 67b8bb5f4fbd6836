/** A mail server: the part of SMTP that a submitting client needs, with real TLS. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

const file = (name: string): string => readFileSync(new URL(`../stub/${name}`, import.meta.url), 'utf8');
export const CERTIFICATE = file('test-only.cert.pem');
const context = { cert: CERTIFICATE, key: file('test-only.key.pem') };

export type Received = {
  readonly secure: boolean;
  readonly login: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
};

export type SmtpServer = { readonly port: number; readonly received: Received[]; readonly lines: string[] };

/**
 * @param options.answers - replaces the usual answer, by verb of the command
 * @param options.offers - what EHLO offers besides STARTTLS
 */
export async function startSmtp(
  options: {
    readonly implicit?: boolean;
    readonly starttls?: boolean;
    readonly offers?: readonly string[];
    readonly answers?: Readonly<Record<string, string>>;
  } = {},
): Promise<SmtpServer> {
  const received: Received[] = [];
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    new Conversation(socket, options, received, lines).greet();
  };
  const server = options.implicit === true ? createTlsServer(context, serve) : createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, received, lines };
}

class Conversation {
  #socket: Socket;
  #reader: Interface | null = null;
  #login: string | null = null;
  #from = '';
  #to: string[] = [];
  #data: string[] | null = null;
  #expects: 'user' | 'password' | null = null;
  readonly #options: NonNullable<Parameters<typeof startSmtp>[0]>;
  readonly #received: Received[];
  readonly #lines: string[];

  constructor(
    socket: Socket,
    options: NonNullable<Parameters<typeof startSmtp>[0]>,
    received: Received[],
    lines: string[],
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#received = received;
    this.#lines = lines;
  }

  greet(): void {
    this.#listen();
    this.#say('220 mail.example.com ready');
  }

  #listen(): void {
    this.#socket.on('error', () => this.#socket.destroy());
    this.#reader = createInterface({ input: this.#socket, crlfDelay: Number.POSITIVE_INFINITY });
    this.#reader.on('line', (line) => this.#hear(line));
  }

  #say(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  #hear(line: string): void {
    if (this.#data !== null) {
      this.#collect(line);
      return;
    }
    this.#lines.push(line);
    if (this.#expects !== null) {
      this.#login = `${this.#login ?? ''}${Buffer.from(line, 'base64').toString()}`;
      this.#say(this.#expects === 'user' ? '334 UGFzc3dvcmQ6' : '235 ok');
      this.#expects = this.#expects === 'user' ? 'password' : null;
      return;
    }
    const [verb = ''] = line.toUpperCase().split(/[\s:]/);
    const other = this.#options.answers?.[verb];
    if (other !== undefined) this.#say(other);
    else if (verb === 'EHLO') this.#hello();
    else if (verb === 'STARTTLS') this.#secure();
    else if (verb === 'AUTH') this.#authenticate(line);
    else if (verb === 'MAIL') this.#answer(() => (this.#from = addressIn(line)));
    else if (verb === 'RCPT') this.#answer(() => this.#to.push(addressIn(line)));
    else if (verb === 'DATA') {
      this.#data = [];
      this.#say('354 go on');
    } else if (verb === 'QUIT') {
      this.#say('221 bye');
      this.#socket.end();
    } else this.#say('502 what?');
  }

  #answer(act: () => unknown): void {
    act();
    this.#say('250 ok');
  }

  #hello(): void {
    const { starttls = true, offers = ['AUTH PLAIN LOGIN'] } = this.#options;
    const names = [
      'mail.example.com',
      ...(starttls && !(this.#socket instanceof TLSSocket) ? ['STARTTLS'] : []),
      ...offers,
    ];
    for (const [index, name] of names.entries())
      this.#say(`250${index === names.length - 1 ? ' ' : '-'}${name}`);
  }

  #secure(): void {
    this.#say('220 go on');
    this.#reader?.close();
    this.#socket.removeAllListeners();
    this.#socket = new TLSSocket(this.#socket, { isServer: true, ...context });
    this.#listen();
  }

  #authenticate(line: string): void {
    const [, mechanism, text = ''] = line.split(' ');
    if (mechanism === 'PLAIN') {
      this.#login = Buffer.from(text, 'base64').toString().slice(1).replace('\0', ':');
      this.#say('235 ok');
      return;
    }
    this.#login = '';
    this.#expects = 'user';
    this.#say('334 VXNlcm5hbWU6');
  }

  #collect(line: string): void {
    if (line !== '.') {
      this.#data?.push(line);
      return;
    }
    this.#received.push({
      secure: this.#socket instanceof TLSSocket,
      login: this.#login,
      from: this.#from,
      to: this.#to,
      data: (this.#data ?? []).join('\n'),
    });
    this.#data = null;
    this.#say('250 taken');
  }
}

function addressIn(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? '';
}
