/**
 * A proxy before the API server of a kubeconfig: counts requests and bytes, and answers the logs of probe pods
 * on simulated nodes with a recorded bundle, as those nodes run nothing.
 */

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, type RequestOptions as HttpsOptions, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import type { ApiObject } from '../test/stub/api-server.ts';
import type { Simulation } from './simulated-nodes.ts';

// Public: for connections inside this machine.
const cert = readFileSync(new URL('../test/stub/test-only.cert.pem', import.meta.url), 'utf8');
const key = readFileSync(new URL('../test/stub/test-only.key.pem', import.meta.url), 'utf8');

export type Traffic = { requests: number; bytes: number; milliseconds: number };

type Upstream = { readonly server: URL; readonly options: HttpsOptions };

export class ApiProxy {
  /** By kind of request. */
  readonly traffic = new Map<string, Traffic>();
  readonly #upstream: Upstream;
  readonly #simulation: Simulation;
  readonly #server = createServer({ cert, key }, (incoming, outgoing) => {
    this.#serve(incoming, outgoing).catch((error: unknown) => {
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end(String(error));
    });
  });

  private constructor(upstream: Upstream, simulation: Simulation) {
    this.#upstream = upstream;
    this.#simulation = simulation;
  }

  /** @param simulation - changes what is answered about simulated nodes */
  static async start(simulation: Simulation): Promise<ApiProxy> {
    const kubeconfig = new KubeConfig();
    kubeconfig.loadFromDefault();
    const server = new URL(kubeconfig.getCurrentCluster()?.server ?? '');
    const options: HttpsOptions = {};
    await kubeconfig.applyToHTTPSOptions(options);
    const { ca, cert: own, key: secret } = options;
    const agent = new Agent({ ca, cert: own, key: secret, keepAlive: true });
    const proxy = new ApiProxy({ server, options: { ...options, agent } }, simulation);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** For the functions: without credentials, which stay here. */
  kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    const ca = Buffer.from(cert).toString('base64');
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': ca };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'bench',
      clusters: [{ name: 'bench', cluster }],
      users: [{ name: 'bench', user: { token: 'none' } }],
      contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    });
  }

  /** Asks for something itself; not counted. */
  async ask(method: string, path: string, body?: unknown): Promise<Buffer> {
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const answer = await this.#forward(method, path, { 'content-type': 'application/json' }, text);
    const bytes = await buffer(answer);
    const { statusCode = 0 } = answer;
    if (statusCode >= 400 && statusCode !== 409) throw new Error(`${method} ${path}: ${bytes.toString()}`);
    return bytes;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = incoming;
    const began = performance.now();
    const kind = kindOf(method, url);
    const told = this.traffic.get(kind) ?? { requests: 0, bytes: 0, milliseconds: 0 };
    this.traffic.set(kind, told);
    told.requests += 1;
    const { host: _host, authorization: _token, connection: _, ...headers } = incoming.headers;
    const body = await buffer(incoming);
    const change = this.#change(kind, new URL(url, 'https://api'), body);
    if (change !== null) delete headers['accept-encoding'];
    const answer = await this.#forward(method, url, headers, body);
    const { statusCode = 502 } = answer;
    if (change !== null && statusCode < 300) {
      const shown = await change(await buffer(answer));
      const { 'content-length': _length, 'transfer-encoding': _encoding, ...rest } = answer.headers;
      outgoing.writeHead(statusCode, { ...rest, 'content-length': shown.length });
      outgoing.end(shown);
      told.bytes += shown.length;
    } else if (kind === WATCH_NODE && statusCode < 300) {
      outgoing.writeHead(statusCode, answer.headers);
      outgoing.flushHeaders();
      outgoing.on('close', () => answer.destroy());
      const events = this.#simulation.podEvents(answer, nodeIn(new URL(url, 'https://api')));
      // A watch is ended by whoever watches.
      for await (const line of events) {
        outgoing.write(line);
        told.bytes += Buffer.byteLength(line);
      }
      outgoing.end();
    } else {
      outgoing.writeHead(statusCode, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        told.bytes += chunk.length;
      });
      outgoing.on('close', () => answer.destroy());
      answer.pipe(outgoing);
      await new Promise<void>((resolve) => answer.on('close', resolve));
    }
    told.milliseconds += performance.now() - began;
  }

  /** What to change in an answer of this kind; null: nothing. */
  #change(kind: string, url: URL, body: Buffer): ((answer: Buffer) => Buffer | Promise<Buffer>) | null {
    const simulation = this.#simulation;
    if (kind === NODES) return (answer) => simulation.nodeList(answer);
    if (kind === PODS) return (answer) => simulation.podList(answer, nodeIn(url));
    if (kind === LOG) return (answer) => simulation.log(url.pathname.split('/')[6] ?? '', answer);
    if (kind === CREATE)
      return (answer) => {
        const { metadata } = JSON.parse(answer.toString()) as ApiObject;
        simulation.created(JSON.parse(body.toString()) as ApiObject, metadata.uid ?? '');
        return answer;
      };
    return null;
  }

  #forward(
    method: string,
    path: string,
    headers: Record<string, string | string[] | undefined>,
    body?: Buffer,
  ): Promise<IncomingMessage> {
    const { server, options } = this.#upstream;
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ ...options, host: server.hostname, port: server.port || 443, method, path },
          headers: { ...options.headers, ...headers },
        },
        resolve,
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }
}

const CREATE = 'create a probe pod';
const LOG = 'read its log';
const PODS = 'list the pods of a node';
const WATCH_NODE = 'watch the pods of a node';
const NODES = 'list the nodes';

function nodeIn(url: URL): string {
  return url.searchParams.get('fieldSelector')?.replace('spec.nodeName=', '') ?? '';
}

function kindOf(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url, 'https://api');
  const [, , , namespaces, , resource, name, part] = pathname.split('/');
  if (pathname === '/api/v1/nodes') return NODES;
  if (pathname.includes('/leases/')) return 'look for a sign of life';
  if (searchParams.get('fieldSelector')?.startsWith('spec.nodeName='))
    return searchParams.has('watch') ? WATCH_NODE : PODS;
  if (namespaces !== 'namespaces' || resource !== 'pods') return `${method} ${pathname}`;
  if (method === 'POST') return CREATE;
  if (method === 'DELETE') return name === undefined ? 'delete those of a batch' : 'delete it';
  if (part === 'log') return LOG;
  if (searchParams.has('watch')) return 'watch the probe pods';
  return name === undefined ? 'list the probe pods' : 'read a pod';
}
