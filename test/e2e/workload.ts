/** A hundred pods of every kind that is healthy, or broken in ways that do not concern their network namespaces. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { kubectl, listPods, NAMESPACE, POD_IMAGE } from './cluster.ts';
import { waitFor } from './run.ts';

const manifest = fileURLToPath(new URL('workload.yaml', import.meta.url));

/** Applies workload.yaml with the given number of ordinary pods and waits until each pod is in its intended state. */
export async function startWorkload(
  plainPods = Number(process.env.NETNS_AUDIT_E2E_PODS ?? 100),
): Promise<void> {
  const text = (await readFile(manifest, 'utf8'))
    .replaceAll('$NAMESPACE', NAMESPACE)
    .replaceAll('$IMAGE', POD_IMAGE)
    .replaceAll('$PLAIN_PODS', String(plainPods));
  await kubectl(['apply', '-f', '-'], { input: text });
  await kubectl(['rollout', 'status', '-n', NAMESPACE, 'deployment/plain', '--timeout=240s']);
  await waitFor(
    'every pod of the workload to be as it should',
    async () => {
      const pods = await listPods('-l', 'part=workload');
      return pods.every((pod) => {
        const want = pod.metadata.labels?.state;
        if (want === 'never-ready') return pod.status.phase !== 'Succeeded';
        return want === 'completed' ? pod.status.phase === 'Succeeded' : pod.status.phase === 'Running';
      });
    },
    { seconds: 240 },
  );
}

export async function stopWorkload(): Promise<void> {
  await kubectl([
    'delete',
    'deployment,daemonset,job,pod',
    '-n',
    NAMESPACE,
    '-l',
    'part=workload',
    '--wait=false',
  ]);
  await waitFor('the workload to be gone', async () => (await listPods('-l', 'part=workload')).length === 0);
}
