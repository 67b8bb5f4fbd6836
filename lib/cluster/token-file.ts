/** `tokenFile` of a kubeconfig's user, which client-node does not read: requests would be anonymous. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { AuditError, messageOf } from '../model/errors.ts';

const usersSchema = z.object({
  users: z
    .array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().nullish() }).nullish() }))
    .nullish(),
});

/**
 * Path of the user's token file, relative to its kubeconfig; null if the user has none.
 *
 * @throws ZodError or YAMLParseError if it is not a kubeconfig
 */
export function tokenFileOf(
  kubeconfigs: readonly { readonly file: string; readonly text: string }[],
  user: string,
): string | null {
  for (const { file, text } of kubeconfigs) {
    const found = usersSchema.parse(parse(text) ?? {}).users?.find(({ name }) => name === user);
    if (found === undefined) continue;
    const path = found.user?.tokenFile;
    return path == null || path === '' ? null : resolve(dirname(file), path);
  }
  return null;
}

/** Where the kubelet puts the token of a pod's service account; Windows and sandboxes put folders in front. */
const OF_POD = /\/run\/secrets\/kubernetes\.io\/serviceaccount\/[^/]+$/;

/** Whether it is the token of the pod that reads it: nobody outside of the pod has that file. */
export function isTokenOfPod(path: unknown): boolean {
  return typeof path === 'string' && OF_POD.test(path);
}

/** Read on each use, as the token may be renewed in the file. @throws AuditError CLUSTER_UNAUTHENTICATED */
export async function readToken(path: string, source: string): Promise<string> {
  const failed = (why: string): AuditError =>
    new AuditError('CLUSTER_UNAUTHENTICATED', `no credentials from ${source}: tokenFile ${path}: ${why}`, {
      remedy: 'Write the token into that file, or name the right one in the kubeconfig.',
    });
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw failed(messageOf(error));
  });
  const token = text.trim();
  // Anything else is not a valid header, and an error about that would show it.
  if (!/^[\x21-\x7e]+$/.test(token)) throw failed(token === '' ? 'it is empty' : 'it holds no token');
  return token;
}
