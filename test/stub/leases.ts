/** Leases as the API server keeps them: one per name, replaced and removed only by clients that know its version. */
import type { ServerResponse } from 'node:http';
import { json, status } from './answers.ts';
import type { ApiObject } from './api-server.ts';

let version = 0;

export function takeLease(
  taken: Map<string, ApiObject>,
  { method, path, body }: { method: string; path: string; body: ApiObject | undefined },
  response: ServerResponse,
): ServerResponse {
  const name = method === 'POST' ? `${path}/${body?.metadata.name}` : path;
  const found = taken.get(name);
  const write = (lease: ApiObject): ServerResponse => {
    version += 1;
    const metadata = { uid: `uid-${version}`, ...lease.metadata, resourceVersion: String(version) };
    taken.set(name, { ...lease, metadata });
    return json(response, 200, taken.get(name));
  };
  if (method === 'POST')
    return found === undefined && body !== undefined ? write(body) : status(response, 409, 'it exists');
  if (found === undefined) return status(response, 404, 'there is none');
  if (method === 'GET') return json(response, 200, found);
  const wanted =
    method === 'PUT'
      ? body?.metadata.resourceVersion
      : (body as { preconditions?: { resourceVersion?: string } } | undefined)?.preconditions
          ?.resourceVersion;
  if (wanted !== found.metadata.resourceVersion) return status(response, 409, 'it was changed');
  if (method === 'PUT' && body !== undefined) return write(body);
  taken.delete(name);
  return json(response, 200, {});
}
