/**
 * A Kubernetes API server in this process, over TLS: nodes, pods that end at once with a scripted log,
 * events, and faults.
 */
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { parseExact } from '../../lib/model/exact-json.ts';
import { json, selected, status } from './answers.ts';
import { CustomObjects } from './custom-objects.ts';
import { takeLease } from './leases.ts';

// Generated for these tests and public: never trust it anywhere else.
const cert = readFileSync(new URL('./test-only.cert.pem', import.meta.url), 'utf8');
const key = readFileSync(new URL('./test-only.key.pem', import.meta.url), 'utf8');

export type ApiObject = {
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
};

/** How a created pod ends. Default: Succeeded, with the log `probed <node>`. */
type Ending = { log?: string; status?: Record<string, unknown>; never?: boolean };

/** Replaces the real answer to the next `times` (default 1) matching requests. */
type Fault = {
  readonly method?: string;
  /** Text to find in the path and query. */
  readonly path: string | RegExp;
  readonly times?: number;
} & (
  | { readonly status: number; readonly message?: string; readonly headers?: Record<string, string> }
  /** A page, like a proxy's. */
  | { readonly status: number; readonly page: string }
  /** These bytes, declared to have this encoding. */
  | { readonly encoding: string; readonly bytes: Uint8Array }
  | { readonly reset: true }
  /** Half of the answer, then the connection is closed. */
  | { readonly cut: true }
  /** The request is executed, but the answer never arrives. */
  | { readonly lost: true }
  /** No answer until the client gives up. */
  | { readonly silent: true }
  /** A watch answers with an ERROR event, 410. */
  | { readonly expired: true }
  /** A watch that starts and ends without an event. */
  | { readonly ends: true }
  /** A watch that starts and never sends anything. */
  | { readonly mute: true }
  /** The real answer, after this many milliseconds. */
  | { readonly slow: number }
);

type Watcher = {
  readonly response: ServerResponse;
  readonly accepts: (pod: ApiObject) => boolean;
  /** What it was sent, by name. */
  readonly sent: Map<string, string>;
};

/** Tests may add objects without one. */
const withRevision = ({ metadata, ...rest }: ApiObject): ApiObject => ({
  ...rest,
  metadata: { resourceVersion: '1', ...metadata },
});

export class StubApiServer {
  /** `METHOD path?query` of each request, in order. */
  readonly requests: string[] = [];
  /** Called when a request arrives, before it is answered. */
  onRequest: (request: string) => void = () => {};
  /** Headers of the last request. */
  headers: IncomingHttpHeaders = {};
  /** Number of TLS connections. */
  connections = 0;
  /** Bytes written to them, including TLS. */
  get sent(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0);
  }
  readonly nodes: ApiObject[] = [];
  readonly events: ApiObject[] = [];
  /** When the kubelet of a node last renewed its lease: called for each request. */
  readonly leases = new Map<string, () => string>();
  readonly pods = new Map<string, ApiObject>();
  readonly namespaces = new Map<string, ApiObject>();
  /** Objects of other kinds, by the path that lists them in all namespaces. */
  readonly collections = new Map<string, ApiObject[]>();
  /** Single objects of other kinds, with a resource version. */
  readonly custom = new CustomObjects();
  /** Leases that clients created, by path. */
  readonly taken = new Map<string, ApiObject>();
  /** Called when a pod was evicted and is gone: a controller would create another. */
  onEvicted: (pod: ApiObject) => void = () => {};
  /** Rights that nobody has, such as `create pods`: only requests about rights use it. */
  readonly denied = new Set<string>();
  /** The user that every client is. */
  user: string | null = null;
  /** Scripts a created pod. */
  ending: (pod: ApiObject) => Ending = () => ({});
  /** What the kubelet writes about a pod that it stopped, before the pod is gone. */
  stopped: Record<string, unknown> = {};
  readonly #sockets: TLSSocket[] = [];
  readonly #faults: { fault: Fault; left: number }[] = [];
  readonly #logs = new Map<string, string>();
  readonly #slow: Promise<unknown>[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #server = createServer({ cert, key }, (request, response) => {
    void this.#answer(request, response);
  });
  #version = 100;

  static async start(): Promise<StubApiServer> {
    const stub = new StubApiServer();
    for (const name of ['kube-system', 'netns-audit'])
      stub.namespaces.set(name, { metadata: { name, uid: `uid-${name}` } });
    stub.#server.on('secureConnection', (socket) => {
      stub.connections += 1;
      stub.#sockets.push(socket);
    });
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A kubeconfig for this server. */
  kubeconfig(change: { server?: string; ca?: string | null; user?: Record<string, unknown> } = {}): string {
    const ca = change.ca === undefined ? cert : change.ca;
    const trust = ca === null ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'stub',
      clusters: [{ name: 'stub', cluster: { server: change.server ?? this.url, ...trust } }],
      users: [{ name: 'stub', user: change.user ?? { token: 'secret-token' } }],
      contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'stub' } }],
    });
  }

  fail(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Ends all watches, as API servers do now and then. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  /** When all slow answers were sent, though nobody may have waited for them. */
  async idle(): Promise<void> {
    await Promise.all(this.#slow);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const method = request.method ?? 'GET';
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.headers = request.headers;
    const asked = `${method} ${url.pathname}${decodeURIComponent(url.search)}`;
    this.requests.push(asked);
    this.onRequest(asked);
    const fault = this.#fault(method, `${url.pathname}${url.search}`);
    const body = text === '' ? undefined : (parseExact(text) as ApiObject);
    if (fault === undefined) this.#serve(method, url, body, response);
    else if ('page' in fault) {
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.page);
    } else if ('encoding' in fault) {
      response.writeHead(200, { 'content-encoding': fault.encoding }).end(fault.bytes);
    } else if ('status' in fault) status(response, fault.status, fault.message ?? 'injected', fault.headers);
    else if ('reset' in fault) request.socket.destroy();
    else if ('lost' in fault) {
      request.socket.destroy();
      this.#serve(method, url, body, response);
    } else if ('expired' in fault) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`);
    } else if ('ends' in fault) response.end();
    else if ('mute' in fault) response.flushHeaders();
    else if ('slow' in fault) {
      const done = sleep(fault.slow).then(() => this.#serve(method, url, body, response));
      this.#slow.push(done);
    } else if ('cut' in fault) {
      response.write('{"cut');
      setImmediate(() => request.socket.destroy());
    }
  }

  #fault(method: string, target: string): Fault | undefined {
    const found = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.method ?? method) === method &&
        (typeof fault.path === 'string' ? target.includes(fault.path) : fault.path.test(target)),
    );
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  #serve(method: string, url: URL, body: ApiObject | undefined, response: ServerResponse): ServerResponse {
    const path = url.pathname;
    if (path === '/version') return json(response, 200, { gitVersion: 'v1.36.0-stub' });
    if (path === '/api/v1/nodes') return this.#list(url, this.nodes, response);
    if (path.startsWith('/api/v1/nodes/') && method === 'PATCH') return this.#patchNode(path, body, response);
    if (path.includes('/kube-node-lease/leases/')) return this.#lease(path, response);
    if (path.includes('/leases')) return takeLease(this.taken, { method, path, body }, response);
    if (path === '/api/v1/events') return this.#list(url, this.events, response);
    if (path === '/api/v1/pods')
      return url.searchParams.has('watch')
        ? this.#watch(url, '', response)
        : this.#list(url, [...this.pods.values()].map(withRevision), response);
    if (path === '/api/v1/namespaces' && method === 'POST' && body !== undefined) {
      this.namespaces.set(body.metadata.name, body);
      return json(response, 201, body);
    }
    if (path.endsWith('/selfsubjectreviews') && this.user !== null)
      return json(response, 201, { status: { userInfo: { username: this.user } } });
    if (path.endsWith('/selfsubjectaccessreviews')) {
      const { verb, resource, subresource } = (body?.spec?.resourceAttributes ?? {}) as Record<
        string,
        string
      >;
      const right = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
      return json(response, 201, { status: { allowed: !this.denied.has(right) } });
    }
    if (this.custom.has(path)) return this.custom.answer(method, path, body, response);
    const others = this.collections.get(path.replace(/\/namespaces\/[^/]+/, ''));
    if (others !== undefined) {
      const within = /\/namespaces\/([^/]+)/.exec(path)?.[1];
      const here = others.filter(({ metadata }) => within === undefined || metadata.namespace === within);
      return this.#list(url, here, response);
    }
    const [, , , , namespace = '', resource, name, sub] = path.split('/');
    if (!path.startsWith('/api/v1/namespaces/')) return status(response, 404, 'no such path');
    if (resource === undefined) {
      const found = this.namespaces.get(namespace);
      return found === undefined
        ? status(response, 404, `namespaces "${namespace}" not found`)
        : json(response, 200, found);
    }
    if (resource === 'events') {
      const events = this.events.filter((event) => event.metadata.namespace === namespace);
      return this.#list(url, events, response);
    }
    if (name === undefined && method === 'POST' && body !== undefined)
      return url.searchParams.has('dryRun')
        ? json(response, 201, body)
        : this.#create(namespace, body, response);
    if (name === undefined) {
      const pods = [...this.pods.values()].filter((pod) => pod.metadata.namespace === namespace);
      if (method === 'DELETE') return this.#deleteAll(pods.filter(selected(url)), response);
      return url.searchParams.has('watch')
        ? this.#watch(url, namespace, response)
        : this.#list(url, pods.map(withRevision), response);
    }
    const pod = this.pods.get(`${namespace}/${name}`);
    if (pod === undefined) return status(response, 404, `pods "${name}" not found`);
    if (sub === 'log') return response.end(this.#logs.get(`${namespace}/${name}`) ?? '');
    if (sub === 'eviction') {
      const { uid } =
        (body as { deleteOptions?: { preconditions?: { uid?: string } } }).deleteOptions?.preconditions ?? {};
      if (uid !== pod.metadata.uid) return status(response, 409, 'the uid is another');
      if (JSON.stringify(body).includes('"dryRun"')) return json(response, 201, {});
      this.pods.delete(`${namespace}/${name}`);
      this.onEvicted(pod);
      return json(response, 201, {});
    }
    if (method === 'DELETE') {
      const { uid } = (body as { preconditions?: { uid?: string } } | undefined)?.preconditions ?? {};
      if (uid !== undefined && uid !== pod.metadata.uid) return status(response, 409, 'the uid is another');
      pod.status = { ...pod.status, ...this.stopped };
      this.#delete(pod);
    }
    return json(response, 200, pod);
  }

  /** A merge patch of annotations and of what may be scheduled there. */
  #patchNode(path: string, body: ApiObject | undefined, response: ServerResponse): ServerResponse {
    const node = this.nodes.find(({ metadata }) => path.endsWith(`/${metadata.name}`));
    if (node === undefined || body === undefined) return status(response, 404, 'no such node');
    if (body.metadata.resourceVersion !== (node.metadata.resourceVersion ?? ''))
      return status(response, 409, 'the object has been modified');
    this.#version += 1;
    node.metadata.resourceVersion = String(this.#version);
    const annotations = Object.entries({ ...node.metadata.annotations, ...body.metadata.annotations });
    node.metadata.annotations = Object.fromEntries(annotations.filter(([, value]) => value !== null));
    const spec = Object.entries({ ...node.spec, ...body.spec });
    node.spec = Object.fromEntries(spec.filter(([, value]) => value !== null));
    return json(response, 200, node);
  }

  #lease(path: string, response: ServerResponse): ServerResponse {
    const name = path.split('/').at(-1) ?? '';
    const renewed = this.leases.get(name);
    if (renewed === undefined) return status(response, 404, `leases "${name}" not found`);
    return json(response, 200, { metadata: { name, resourceVersion: '1' }, spec: { renewTime: renewed() } });
  }

  #create(namespace: string, body: ApiObject, response: ServerResponse): ServerResponse {
    const id = `${namespace}/${body.metadata.name}`;
    if (this.pods.has(id)) return status(response, 409, `pods "${body.metadata.name}" already exists`);
    const pod: ApiObject = {
      ...body,
      metadata: {
        ...body.metadata,
        namespace,
        uid: `uid-${body.metadata.name}-${this.#version}`,
        creationTimestamp: new Date().toISOString(),
      },
      status: { phase: 'Pending' },
    };
    this.pods.set(id, pod);
    this.#tell(pod);
    const { log, status: ended, never } = this.ending(pod);
    if (never !== true) {
      this.#logs.set(id, log ?? `probed ${String(body.spec?.nodeName)}`);
      setImmediate(() => {
        if (!this.pods.has(id)) return;
        pod.status = ended ?? { phase: 'Succeeded', startTime: '2026-01-01T00:00:00Z' };
        this.#tell(pod);
      });
    }
    return json(response, 201, pod);
  }

  #list(url: URL, all: readonly ApiObject[], response: ServerResponse): ServerResponse {
    const from = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
    const matching = all.filter(selected(url));
    const next = from + limit < matching.length ? { continue: String(from + limit) } : {};
    return json(response, 200, {
      metadata: { resourceVersion: String(this.#version), ...next },
      items: matching.slice(from, from + limit),
    });
  }

  #deleteAll(pods: readonly ApiObject[], response: ServerResponse): ServerResponse {
    for (const pod of pods) this.#delete(pod);
    return json(response, 200, { metadata: { resourceVersion: String(this.#version) }, items: pods });
  }

  #delete(pod: ApiObject): void {
    const id = `${pod.metadata.namespace}/${pod.metadata.name}`;
    this.pods.delete(id);
    for (const watcher of this.#watchers) if (watcher.sent.has(id)) watcher.sent.set(id, JSON.stringify(pod));
    this.#tell(pod);
  }

  /** @param namespace - empty: all */
  #watch(url: URL, namespace: string, response: ServerResponse): ServerResponse {
    const matches = selected(url);
    const watcher: Watcher = {
      response,
      accepts: (pod) => matches(pod) && (namespace === '' || pod.metadata.namespace === namespace),
      sent: new Map(),
    };
    const since = Number(url.searchParams.get('resourceVersion') ?? 0);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const [id, pod] of this.pods)
      if (since > 0 && watcher.accepts(pod) && Number(pod.metadata.resourceVersion ?? 0) <= since)
        watcher.sent.set(id, JSON.stringify(pod));
    this.#update(watcher, '1');
    this.#watchers.add(watcher);
    return response.on('close', () => this.#watchers.delete(watcher));
  }

  /** Sends what changed, also if a test changed it: then with this revision. */
  #update({ response, accepts, sent }: Watcher, resourceVersion = String(this.#version)): void {
    const write = (type: string, pod: ApiObject): void => {
      const object = { ...pod, metadata: { resourceVersion, ...pod.metadata } };
      response.write(`${JSON.stringify({ type, object })}\n`);
    };
    const pods = [...this.pods].filter(([, pod]) => accepts(pod));
    for (const [id, pod] of pods) {
      const text = JSON.stringify(pod);
      if (text === sent.get(id)) continue;
      write(sent.has(id) ? 'MODIFIED' : 'ADDED', pod);
      sent.set(id, text);
    }
    const present = new Set(pods.map(([id]) => id));
    for (const [id, text] of sent) {
      if (present.has(id)) continue;
      write('DELETED', JSON.parse(text) as ApiObject);
      sent.delete(id);
    }
  }

  #tell(pod: ApiObject): void {
    this.#version += 1;
    pod.metadata.resourceVersion = String(this.#version);
    for (const watcher of this.#watchers) this.#update(watcher);
  }
}
