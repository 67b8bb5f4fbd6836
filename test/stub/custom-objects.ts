/** Objects that clients read, update and delete one by one, each only as it was read. */
import type { ServerResponse } from 'node:http';
import { exactJson, parseExact } from '../../lib/model/exact-json.ts';
import { json, status } from './answers.ts';
import type { ApiObject } from './api-server.ts';

export class CustomObjects {
  /** As JSON, by path. */
  readonly #texts = new Map<string, string>();
  /** The kinds that exist, by the path that lists them. */
  readonly #kinds = new Set<string>();
  #version = 1000;

  has(path: string): boolean {
    return this.#kinds.has(path.replace(/\/[^/]*$/, ''));
  }

  get(path: string): unknown {
    const text = this.#texts.get(path);
    return text === undefined ? null : parseExact(text);
  }

  /** Somebody else writes it. */
  set(path: string, object: unknown): void {
    this.#version += 1;
    const { metadata, ...rest } = object as ApiObject;
    const resourceVersion = String(this.#version);
    const whole = { ...rest, metadata: { ...metadata, resourceVersion } };
    this.#kinds.add(path.replace(/\/[^/]*$/, ''));
    this.#texts.set(path, JSON.stringify(exactJson(whole)));
  }

  remove(path: string): void {
    this.#texts.delete(path);
  }

  answer(
    method: string,
    path: string,
    body: ApiObject | undefined,
    response: ServerResponse,
  ): ServerResponse {
    const found = this.get(path) as ApiObject | null;
    if (found === null) return status(response, 404, 'not found');
    const { preconditions } = (body ?? {}) as { preconditions?: Partial<ApiObject['metadata']> };
    const wanted = method === 'PUT' ? body?.metadata : preconditions;
    for (const field of ['uid', 'resourceVersion'] as const)
      if (wanted !== undefined && wanted[field] !== found.metadata[field])
        return status(response, 409, `the ${field} is another`);
    if (method === 'DELETE') this.remove(path);
    if (method === 'PUT') this.set(path, body);
    return json(response, 200, exactJson(this.get(path) ?? {}));
  }
}
