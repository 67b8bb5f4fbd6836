/** How the stub answers: with a status, with JSON, and with the part of a list that selectors match. */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { ApiObject } from './api-server.ts';

/** Equality selectors on labels and fields. */
export function selected(url: URL): (object: ApiObject) => boolean {
  const pairs = (name: string) =>
    (url.searchParams.get(name) ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => part.split('=', 2) as [string, string]);
  const labels = pairs('labelSelector');
  const fields = pairs('fieldSelector');
  return (object) =>
    labels.every(([name, value]) => object.metadata.labels?.[name] === value) &&
    fields.every(([path, value]) => field(object, path) === value);
}

function field(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((value, name) => (value as Record<string, unknown> | undefined)?.[name], object);
}

export function status(
  response: ServerResponse,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): ServerResponse {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  return json(response, code, { kind: 'Status', code, message });
}

/** The size from which an API server compresses (staging/src/k8s.io/apiserver, responsewriters/writers.go). */
const GZIP_THRESHOLD = 128 * 1024;

export function json(response: ServerResponse, code: number, body: unknown): ServerResponse {
  const { headers } = response.req;
  const short = headers.accept?.includes('as=PartialObjectMetadata;') && code < 400;
  const text = Buffer.from(JSON.stringify(short ? { metadata: (body as ApiObject).metadata } : body));
  const type = { 'content-type': 'application/json' };
  if (text.length <= GZIP_THRESHOLD || !/\bgzip\b/.test(String(headers['accept-encoding'])))
    return response.writeHead(code, type).end(text);
  const packed = gzipSync(text, { level: 1 });
  return response
    .writeHead(code, { ...type, 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    .end(packed);
}
