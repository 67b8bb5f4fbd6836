/**
 * `--active cni`: one pod that the kubelet attaches and detaches as any other, and proof that it left nothing
 * behind.
 */
import { createHash } from 'node:crypto';
import type { ProbePods } from '../cluster/index.ts';
import { AuditError, type ErrorCode, unlessFailed } from '../model/errors.ts';
import type { Evidence, Sources } from '../model/evidence.ts';
import type { Event } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { COMPONENT_LABEL, EXPIRES_ANNOTATION, OWN_LABEL, RUN_LABEL } from '../model/own-pods.ts';

export type CanaryRun = Omit<Sources['canary'], 'leftovers'>;

export type CanaryOptions = {
  readonly runId: string;
  readonly namespace: string;
  readonly image: string;
  readonly pullSecret: string | null;
  readonly deadlineSeconds: number;
};

/** The probe would get no answer either. */
const ENDS_THE_NODE: readonly ErrorCode[] = ['ABORTED', 'NODE_SILENT'];

/**
 * Starts a canary on the node and removes it. A pod that cannot start is a result, not an error.
 * @throws AuditError ABORTED, NODE_SILENT
 */
export async function runCanary(pods: ProbePods, node: string, options: CanaryOptions): Promise<CanaryRun> {
  const manifest = canaryManifest(node, options);
  const pod = namespacedName({ ...options, name: manifest.metadata.name });
  try {
    const podIPs = await pods.startAndStop(manifest, options.deadlineSeconds * 1000);
    return { pod, started: true, error: null, podIPs: [...podIPs] };
  } catch (error) {
    if (!(error instanceof AuditError) || ENDS_THE_NODE.includes(error.code)) throw error;
    // The pod's status only says ContainerCreating; the plugin's message is in the events.
    const events =
      (await unlessFailed(
        () => pods.events(manifest),
        (code) => code !== 'ABORTED',
      )) ?? [];
    const words = [error.message, lastSandboxFailure(events)].filter((each) => each !== null);
    return { pod, started: false, error: words.join(': '), podIPs: [] };
  }
}

/** Null when no sandbox failed. */
function lastSandboxFailure(events: readonly Event[]): string | null {
  const at = ({ lastSeen }: Event): number => (lastSeen === null ? 0 : Date.parse(lastSeen));
  const failures = events
    .filter((event) => event.reason === 'FailedCreatePodSandBox')
    .toSorted((a, b) => at(a) - at(b));
  return failures.at(-1)?.message ?? null;
}

/** What remains of the canary on the node after the kubelet removed it; null when not known. Pure. */
export function canaryLeftovers(evidence: Evidence, pod: string): string[] | null {
  const name = pod.slice(pod.indexOf('/') + 1);
  const { sandboxes, cniResults, pins, ipam } = evidence;
  if (
    sandboxes.status !== 'present' ||
    cniResults.status !== 'present' ||
    pins.status !== 'present' ||
    ipam.status !== 'present'
  )
    return null;
  const own = sandboxes.value.filter((sandbox) => sandbox.name === name);
  const results = cniResults.value.filter((result) => result.podName === name);
  const ids = new Set([...own.map(({ id }) => id), ...results.map(({ containerId }) => containerId)]);
  const paths = new Set(
    [...own, ...results].map(({ namespacePath }) => namespacePath?.replace(/^\/var\/run\//, '/run/')),
  );
  return [
    ...own.filter(({ state }) => state === 'ready').map(({ id }) => `sandbox ${id}`),
    ...pins.value.filter(({ path }) => paths.has(path)).map(({ path }) => `namespace ${path}`),
    ...ipam.value
      .flatMap(({ allocations }) => allocations.filter(({ containerId }) => ids.has(containerId)))
      .map(({ address }) => `address ${address}`),
    ...results.map((result) => `CNI result of ${result.network} ${result.interface}`),
  ];
}

/** The pod that `--active cni` starts on a node: one container that does nothing, in its own network. */
export function canaryManifest(node: string, options: CanaryOptions) {
  const hash = createHash('sha256').update(`${options.runId} ${node}`).digest('hex').slice(0, 16);
  const seconds = options.deadlineSeconds + 30;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `netns-audit-canary-${hash}`,
      namespace: options.namespace,
      labels: {
        [OWN_LABEL.name]: OWN_LABEL.value,
        [COMPONENT_LABEL]: 'canary',
        [RUN_LABEL]: options.runId,
      },
      annotations: { [EXPIRES_ANNOTATION]: new Date(Date.now() + seconds * 1000).toISOString() },
    },
    spec: {
      nodeName: node,
      restartPolicy: 'Never',
      activeDeadlineSeconds: seconds,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      ...(options.pullSecret === null ? {} : { imagePullSecrets: [{ name: options.pullSecret }] }),
      containers: [
        {
          name: 'canary',
          image: options.image,
          imagePullPolicy: 'IfNotPresent',
          command: ['sleep', '3600'],
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            runAsUser: 65_534,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      ],
    },
  };
}
