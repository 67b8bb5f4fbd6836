/**
 * HTTP to one API server: one shared keep-alive dispatcher, retries within a deadline, and every request abortable.
 * client-node's own calls open a TLS connection each and have neither retries nor timeouts (javascript#2893).
 */
import { X509Certificate } from 'node:crypto';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { AuditError, messageOf } from '../model/errors.ts';
import { ApiError, connectionError, statusError, timedOut } from './api-error.ts';
import { shownServer } from './redact.ts';

/** The credentials of a connection; called before each request, so that tokens may be refreshed. */
export type Credentials = {
  readonly server: string;
  readonly tls: {
    ca?: Buffer | string;
    cert?: Buffer | string;
    key?: Buffer | string;
    servername?: string;
    rejectUnauthorized?: boolean;
  };
  readonly proxy: string | null;
  /** Whether a header has several values. @default false */
  readonly repeatsHeaders?: boolean;
  headers(): Promise<Record<string, string | string[]>>;
};

export type ApiRequest = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly answer?: keyof typeof SHORT; // @default whole objects: a probe pod has 50 kB
  readonly what: string; // for messages: `list pods`
  readonly signal?: AbortSignal;
  /** Milliseconds for one attempt. Default 30 s. */
  readonly timeout?: number;
  /** Milliseconds for all attempts. Default 60 s. */
  readonly deadline?: number;
};

const ATTEMPT_MILLISECONDS = 30_000;
const DEADLINE_MILLISECONDS = 60_000;
const FIRST_CONTACT_MILLISECONDS = 5_000; // without any answer: likelier a wrong address than a hiccup
const LARGEST_BACKOFF = 8_000;
/** Maximum bytes of an unpacked answer: this also stops a gzip bomb. */
const LARGEST_ANSWER = 256 * 1024 * 1024;

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json';
const SHORT = { metadata: METADATA, metadataOfList: METADATA.replace('Metadata;', 'MetadataList;') };
const UNANSWERED: ReadonlySet<string> = new Set(['CLUSTER_UNREACHABLE', 'CLUSTER_DNS']);

/**
 * Requests to one API server over kept-alive connections, with retries within a deadline. All methods that
 * send a request throw AuditError CLUSTER_*, ABORTED.
 */
export class Transport {
  /** Requests sent, retries included: what a run costs the API server. */
  requests = 0;
  readonly #credentials: Credentials;
  readonly #dispatcher: Dispatcher;
  readonly #userAgent: string;
  readonly #onUnanswered: (error: AuditError) => void;
  /** Whether the server has answered anything yet. */
  #answered = false;
  #said = false;

  /** @param onUnanswered - called once, when an unanswered request is retried */
  constructor(
    credentials: Credentials,
    userAgent: string,
    onUnanswered: (error: AuditError) => void = () => {},
  ) {
    this.#credentials = credentials;
    this.#userAgent = userAgent;
    this.#onUnanswered = onUnanswered;
    const { tls, proxy } = credentials;
    // Over HTTP/2 undici joins header values by commas: an API server would read two groups as one.
    const allowH2 = credentials.repeatsHeaders !== true;
    this.#dispatcher =
      proxy === null
        ? new Agent({
            allowH2,
            connect: { ...tls, timeout: 10_000 },
            keepAliveTimeout: 30_000,
            connections: 64,
          })
        : new ProxyAgent({ allowH2, uri: proxy, requestTls: tls });
  }

  /** The URL of the API server, for messages: without the name and password it may contain. */
  get server(): string {
    return shownServer(this.#credentials.server);
  }

  /** Expiry of the client certificate, in milliseconds; infinite if there is none. */
  get certificateEnd(): number {
    const { cert } = this.#credentials.tls;
    return cert === undefined ? Number.POSITIVE_INFINITY : new X509Certificate(cert).validToDate.getTime();
  }

  /**
   * The parsed body of a JSON answer. Reads, deletes and creates of named objects are safe to repeat, so all
   * are retried. API servers compress answers of more than 128 KiB, lists above all, to about a tenth.
   *
   * @param limit - maximum bytes of the unpacked answer
   */
  async json(options: ApiRequest, limit = LARGEST_ANSWER): Promise<unknown> {
    const text = await this.#text(options, limit, { 'accept-encoding': 'gzip' });
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new AuditError('CLUSTER_API', `${options.what}: the answer is not JSON`, {
        cause: error,
        remedy: 'Something other than an API server answers: check the server in the kubeconfig.',
      });
    }
  }

  /** The body as text, at most `limit` bytes. */
  async text(options: ApiRequest, limit = LARGEST_ANSWER): Promise<string> {
    return await this.#text(options, limit, {});
  }

  async #text(options: ApiRequest, limit: number, headers: Record<string, string>): Promise<string> {
    return await this.#retried(options, async (signal) => {
      const response = await this.#send(options, signal, { headers });
      const body = await read(unpacked(response, options.what), limit, options.what);
      if (response.statusCode >= 400)
        throw statusError(options.what, response.statusCode, body, response.headers['retry-after']);
      return body;
    });
  }

  /** The body as a stream, for watches: until the caller aborts, or `timeout` passes without a byte (default: never). */
  async stream(options: ApiRequest & { signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    try {
      const response = await this.#send(options, options.signal, { bodyTimeout: options.timeout ?? 0 });
      if (response.statusCode >= 400)
        throw statusError(
          options.what,
          response.statusCode,
          await read(response.body, 1_000_000, options.what),
        );
      return response.body;
    } catch (error) {
      throw options.signal.aborted
        ? aborted(options.what)
        : connectionError(this.server, error, this.#credentials.proxy);
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #send(
    options: ApiRequest,
    signal: AbortSignal,
    { headers: asked, bodyTimeout }: { headers?: Record<string, string>; bodyTimeout?: number },
  ): Promise<Dispatcher.ResponseData> {
    const { server } = this.#credentials;
    const url = new URL(options.path.replace(/^\//, ''), server.endsWith('/') ? server : `${server}/`);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string | string[]> = {
      ...(await inTime(this.#credentials.headers(), signal, options.what)),
      accept: options.answer === undefined ? 'application/json, */*' : SHORT[options.answer],
      'user-agent': this.#userAgent,
      ...asked,
    };
    if (options.body !== undefined)
      headers['content-type'] = `application/${options.method === 'PATCH' ? 'merge-patch+' : ''}json`;
    this.requests += 1;
    const response = await request(url, {
      method: options.method ?? 'GET',
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      dispatcher: this.#dispatcher,
      signal,
      ...(bodyTimeout === undefined ? {} : { bodyTimeout, headersTimeout: ATTEMPT_MILLISECONDS }),
    });
    this.#answered = true;
    return response;
  }

  async #retried<T>(options: ApiRequest, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const begin = Date.now();
    const end = begin + (options.deadline ?? DEADLINE_MILLISECONDS);
    for (let tries = 0; ; tries += 1) {
      const limit = AbortSignal.timeout(
        Math.max(1, Math.min(options.timeout ?? ATTEMPT_MILLISECONDS, end - Date.now())),
      );
      try {
        return await attempt(options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]));
      } catch (thrown) {
        if (options.signal?.aborted) throw aborted(options.what);
        const error =
          limit.aborted && !(thrown instanceof AuditError)
            ? timedOut(this.server, options.what, this.#credentials.proxy)
            : connectionError(this.server, thrown, this.#credentials.proxy);
        const unanswered = UNANSWERED.has(error.code);
        const last = unanswered && !this.#answered ? Math.min(end, begin + FIRST_CONTACT_MILLISECONDS) : end;
        const wait = askedWait(error) ?? Math.random() * Math.min(LARGEST_BACKOFF, 200 * 2 ** tries);
        if (!error.retryable || Date.now() + wait >= last) throw error;
        if (unanswered && !this.#said) {
          this.#said = true;
          this.#onUnanswered(error);
        }
        await pause(wait, options.signal, options.what);
      }
    }
  }
}

/** Credentials may come from a command or another service, which ignore our limits. */
async function inTime<T>(credentials: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void =>
      reject(
        new AuditError('CLUSTER_UNAUTHENTICATED', `no credentials in time (${what})`, {
          retryable: true,
          remedy: 'Check whether the command or service that provides them answers: kubectl auth whoami',
        }),
      );
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    credentials.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** The body without gzip, unpacked no faster than it is read. @throws AuditError CLUSTER_API */
async function* unpacked(
  { headers, body }: Dispatcher.ResponseData,
  what: string,
): AsyncGenerator<Buffer, void> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return yield* body;
  if (encoding !== 'gzip') {
    body.on('error', () => {}).destroy();
    throw new AuditError('CLUSTER_API', `${what}: the answer is encoded as ${messageOf(String(encoding))}`, {
      remedy:
        'Only gzip was asked for: look for a proxy or load balancer that encodes answers in another way.',
    });
  }
  try {
    // An error here surfaces on the stream being read.
    yield* pipeline(body, createGunzip(), () => {});
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error;
    throw new AuditError('CLUSTER_API', `${what}: the compressed answer is damaged: ${messageOf(error)}`, {
      cause: error,
      retryable: true,
      remedy: 'Look for a proxy or load balancer that cuts or changes answers.',
    });
  }
}

async function read(body: AsyncIterable<Buffer>, limit: number, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) {
      throw new AuditError('CLUSTER_API', `${what}: the answer is larger than ${limit} bytes`, {
        remedy: 'Please report it: nothing of that size is expected.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The delay that the server asks for, and a little more, to spread out callers; null if it asks for none. */
function askedWait(error: AuditError): number | null {
  return error instanceof ApiError && error.retryAfter !== null
    ? error.retryAfter * (1 + Math.random() * 0.2)
    : null;
}

/** The error of an interrupted request. @param what - the request */
export function aborted(what: string): AuditError {
  return new AuditError('ABORTED', `interrupted (${what})`, { remedy: 'Run it again.' });
}

/** Waits, and ends early with ABORTED. @throws AuditError ABORTED */
export async function pause(
  milliseconds: number,
  signal: AbortSignal | undefined,
  what: string,
): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw aborted(what);
  }
}
