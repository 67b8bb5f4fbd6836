/** Expires what a killed audit left on the cluster. */
import { EXPIRES_ANNOTATION } from '../../lib/model/own-pods.ts';
import { podsOfTheAudit } from '../audit/recorded.ts';
import type { StubApiServer } from '../stub/api-server.ts';

export function expire(stub: StubApiServer): void {
  for (const id of podsOfTheAudit(stub)) {
    const annotations = stub.pods.get(id)?.metadata.annotations;
    if (annotations?.[EXPIRES_ANNOTATION] !== undefined)
      annotations[EXPIRES_ANNOTATION] = new Date(Date.now() - 1_000).toISOString();
  }
}
