/** A proxy between the functions and moto: records who called what on which resource, and refuses on request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACCOUNT, REGION } from './deployed.ts';

/** One call, in the words of IAM. */
export type Call = {
  /** The access key that signed it. */
  readonly caller: string;
  readonly action: string;
  readonly resource: string;
  readonly body: string;
};

type Refusal = {
  readonly action: string;
  /** Text to find in the resource. Default: any. */
  readonly resource?: string;
  left: number;
};

export class Front {
  readonly calls: Call[] = [];
  /** Called after each call was answered. */
  onCall: (call: Call) => void = () => {};
  /** Changes moto's answer to DescribeCluster, as moto has no real endpoint. */
  cluster: (name: string) => { endpoint: string; ca: string } | null = () => null;
  readonly #moto: string;
  readonly #refusals: Refusal[] = [];
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });

  private constructor(moto: string) {
    this.#moto = moto;
  }

  static async start(moto: string): Promise<Front> {
    const front = new Front(moto);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` of these calls are answered with 503. */
  refuse(action: string, { times, resource }: { times: number; resource?: string }): void {
    this.#refusals.push({ action, left: times, ...(resource === undefined ? {} : { resource }) });
  }

  accept(): void {
    this.#refusals.length = 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const call = callOf(request, body.toString());
    this.calls.push(call);
    const refusal = this.#refusals.find(
      ({ action, resource, left }) =>
        left > 0 && action === call.action && call.resource.includes(resource ?? ''),
    );
    if (refusal !== undefined) {
      refusal.left -= 1;
      response.writeHead(503, { 'content-type': 'application/xml' });
      response.end(
        '<ErrorResponse><Error><Code>ServiceUnavailable</Code><Message>refused</Message></Error></ErrorResponse>',
      );
      return;
    }
    const headers = Object.entries(request.headers).filter(
      ([name]) => !['host', 'connection', 'content-length', 'transfer-encoding', 'expect'].includes(name),
    );
    const answer = await fetch(`${this.#moto}${request.url}`, {
      method: request.method ?? 'GET',
      headers: headers.map(([name, value]): [string, string] => [name, String(value)]),
      ...(body.length === 0 ? {} : { body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const kept = [...answer.headers].filter(
      ([name]) => !['content-encoding', 'content-length', 'transfer-encoding', 'connection'].includes(name),
    );
    response.writeHead(answer.status, kept.flat());
    response.end(call.action === 'eks:DescribeCluster' ? this.#described(call, bytes) : bytes);
    this.onCall(call);
  }

  #described(call: Call, answer: Buffer): string {
    const parsed = JSON.parse(answer.toString()) as { cluster?: Record<string, unknown> };
    const here = this.cluster(call.resource.split('/').at(-1) ?? '');
    if (parsed.cluster !== undefined && here !== null)
      Object.assign(parsed.cluster, { endpoint: here.endpoint, certificateAuthority: { data: here.ca } });
    return JSON.stringify(parsed);
  }
}

/** IAM's name of a request, from its signature, path and body. */
function callOf(request: IncomingMessage, body: string): Call {
  const [, caller = '', region = REGION, service = ''] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
  const url = new URL(request.url ?? '/', 'http://aws');
  const made = (action: string, resource: string): Call => ({
    caller,
    action: `${service}:${action}`,
    resource,
    body,
  });
  if (service === 's3') {
    const [, bucket = '', ...key] = decodeURIComponent(url.pathname).split('/');
    const arn = `arn:aws:s3:::${bucket}`;
    if (key.join('') === '') return made('ListBucket', arn);
    return made(request.method === 'PUT' ? 'PutObject' : 'GetObject', `${arn}/${key.join('/')}`);
  }
  if (service === 'eks')
    return made('DescribeCluster', `arn:aws:eks:${region}:${ACCOUNT}:cluster/${url.pathname.split('/')[2]}`);
  if (service === 'securityhub') {
    const { Findings } = JSON.parse(body) as { Findings: { ProductArn: string }[] };
    return made('BatchImportFindings', Findings[0]?.ProductArn ?? '');
  }
  const target = request.headers['x-amz-target'];
  if (target !== undefined) {
    const { SecretId = '' } = JSON.parse(body) as { SecretId?: string };
    return made(String(target).split('.')[1] ?? '', SecretId);
  }
  const form = new URLSearchParams(body);
  return made(form.get('Action') ?? '', form.get('TopicArn') ?? form.get('RoleArn') ?? '');
}
