/** How the stub answers: with a status, with JSON, and with what selectors leave of a list. */
import type { ServerResponse } from 'node:http';
import type { ApiObject } from './api-server.ts';

/** Selectors on labels and fields, of equality and its opposite. */
export function selected(url: URL): (object: ApiObject) => boolean {
  const terms = (name: string) =>
    (url.searchParams.get(name) ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const [key = '', value] = part.split(/!?=/, 2);
        return { key, holds: (actual: unknown) => (actual === value) !== part.includes('!=') };
      });
  const labels = terms('labelSelector');
  const fields = terms('fieldSelector');
  return (object) =>
    labels.every(({ key, holds }) => holds(object.metadata.labels?.[key])) &&
    fields.every(({ key, holds }) => holds(field(object, key)));
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

export function json(response: ServerResponse, code: number, body: unknown): ServerResponse {
  response.writeHead(code, { 'content-type': 'application/json' });
  return response.end(JSON.stringify(body));
}
