/** What the API says of a pod that runs to its end, and what is wrong with one that does not. Pure. */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { PROBE_CONTAINER } from '../model/own-pods.ts';

export type PodIdentity = { readonly name: string; readonly uid: string };

/** `gone`: deleted, by anybody. */
export type PodState = {
  readonly name: string;
  readonly uid: string;
  /** The object's resourceVersion. */
  readonly revision: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown' | 'gone';
  /** Why it does not start, or why it failed, in the cluster's words. */
  readonly problem: string | null;
  /** The kubelet has written a status. */
  readonly acknowledged: boolean;
  /** It waits for something that will not resolve within the run. */
  readonly stuck: boolean;
  readonly podIPs: readonly string[];
  /** The object is gone; `phase` still holds how the pod ended, if it did. */
  readonly deleted: boolean;
};

const containerState = z.object({
  name: z.string().optional(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      terminated: z
        .object({ exitCode: z.number(), reason: z.string().optional(), message: z.string().optional() })
        .optional(),
    })
    .optional(),
});
const podStatusSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), resourceVersion: z.string() }),
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      startTime: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).optional(),
      containerStatuses: z.array(containerState).optional(),
    })
    .default({}),
});

const HOPELESS = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];

/** @throws ZodError if it is not a pod */
export function stateOf(item: unknown, deleted: boolean): PodState {
  const { metadata, status } = podStatusSchema.parse(item);
  const states = (status.containerStatuses ?? []).map((each) => each.state ?? {});
  const waiting = states.find((state) => state.waiting !== undefined)?.waiting;
  const terminated = states.find(
    (state) => state.terminated !== undefined && state.terminated.exitCode !== 0,
  )?.terminated;
  const words = [status.reason, status.message].filter((word) => word !== undefined);
  if (terminated !== undefined)
    words.push(`${terminated.reason ?? 'exited'} with code ${terminated.exitCode}`, terminated.message ?? '');
  if (waiting !== undefined) words.push(waiting.reason ?? '', waiting.message ?? '');
  const phase = probeEnd(status) ?? status.phase ?? 'Pending';
  const ended = phase === 'Succeeded' || phase === 'Failed';
  return {
    name: metadata.name,
    uid: metadata.uid,
    revision: metadata.resourceVersion,
    phase: deleted && !ended ? 'gone' : phase,
    problem:
      words
        .filter((word) => word !== '')
        .join(': ')
        .slice(0, 500) || null,
    acknowledged: status.startTime !== undefined,
    stuck: waiting !== undefined && HOPELESS.includes(waiting.reason ?? ''),
    podIPs: (status.podIPs ?? []).map(({ ip }) => ip),
    deleted,
  };
}

/** A webhook may have added containers that never end: ours has ended nevertheless. */
function probeEnd({ phase, containerStatuses = [] }: z.infer<typeof podStatusSchema>['status']) {
  if (phase !== 'Running') return null;
  const end = containerStatuses.find(({ name }) => name === PROBE_CONTAINER)?.state?.terminated;
  return end === undefined ? null : end.exitCode === 0 ? 'Succeeded' : 'Failed';
}

/** The error of a pod that will not start. */
export function stuck(state: PodState): AuditError {
  const image = /image/i.test(state.problem ?? '');
  return new AuditError('PROBE_REFUSED', `the probe pod cannot start: ${state.problem}`, {
    remedy: image
      ? 'Use an image that the nodes can pull: --image, and --pull-secret if the registry needs one (with the chart: ' +
        'probe.image and probe.pullSecret, then helm upgrade).'
      : 'Look at the node: kubectl describe pod shows the same message.',
  });
}

/** The error of a pod whose time is over. */
export function overdue(state: PodState | undefined): AuditError {
  const message =
    state === undefined || !state.acknowledged
      ? 'the kubelet did not take up the probe pod in time'
      : state.phase === 'Pending'
        ? `the probe pod did not start in time${state.problem === null ? '' : `: ${state.problem}`}`
        : 'the probe pod did not end in time';
  return new AuditError('DEADLINE', message, {
    retryable: true,
    remedy:
      "Look at the node's kubelet and runtime (systemctl status kubelet containerd), or give it longer with --deadline (with the chart: probe.deadline).",
  });
}
