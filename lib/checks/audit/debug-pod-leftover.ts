import { isDebugPod } from '../../computed/pods/debug-pods.ts';
import { HOUR } from '../../model/days.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { EXPIRES_ANNOTATION, isOwnPod } from '../../model/own-pods.ts';
import { quote } from '../../model/text.ts';
import { defineClusterCheck, fail, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { command, look, repair } from '../remedies/steps.ts';

/** A deletion that the kubelet has not confirmed after this long is stuck. */
const DELETION_SETTLES = 300_000;

/** Such a pod is effectively root on its node, so it must not outlive its purpose. */
export const debugPodLeftover = defineClusterCheck({
  id: 'debug-pod-leftover',
  topic: 'audit',
  severity: 'medium',
  title: 'No debug pod outlives its use',
  failureTitle: 'Debug pod left behind on a node',
  why:
    "A debug pod shares the node's process and network namespaces. Anyone who can exec into it is root " +
    "on the node, and its copy of the node's mounts can keep namespaces from being removed.",
  run({ debugPods }, { now }) {
    return debugPods.filter(isDebugPod).map((pod) => judge(pod, now));
  },
});

function judge(pod: Pod, now: number): Outcome {
  const object = podObject(pod, pod.node ?? '');
  const expires = isOwnPod(pod) ? pod.annotations[EXPIRES_ANNOTATION] : undefined;
  const expiresAt = expires === undefined ? Number.NaN : Date.parse(expires);
  // A pod without a readable start time gets the usual hour.
  const due = Number.isNaN(expiresAt) ? Date.parse(pod.createdAt) + HOUR : expiresAt;
  if (now < due) return pass(object);
  if (pod.deletionTimestamp !== null && now - Date.parse(pod.deletionTimestamp) < DELETION_SETTLES) {
    return notApplicable(object, 'the pod is being deleted');
  }
  const ended = pod.phase === 'Succeeded' || pod.phase === 'Failed';
  const whose = isOwnPod(pod) ? 'Probe pod of netns-auditor' : 'Debug pod';
  return fail(object, {
    detail:
      `${whose}, ${pod.phase}, created ` +
      `${pod.createdAt}${Number.isNaN(expiresAt) ? '' : `, expired ${quote(expires ?? '', 40)}`}` +
      `${pod.deletionTimestamp === null ? '' : `, its deletion is stuck since ${pod.deletionTimestamp}`}.`,
    confidence: 'probable',
    // A finished pod holds nothing but its name.
    ...(ended ? { severity: 'low' as const } : {}),
    evidence: [
      {
        what: Number.isNaN(expiresAt) ? 'created' : 'expires',
        expected: Number.isNaN(expiresAt) ? 'at most an hour ago' : 'in the future, or the pod is gone',
        actual: Number.isNaN(expiresAt) ? pod.createdAt : quote(expires ?? '', 40),
        source: Number.isNaN(expiresAt)
          ? 'API: pod.metadata.creationTimestamp'
          : `API: pod.metadata.annotations ${EXPIRES_ANNOTATION}`,
      },
      {
        what: 'shares with the node',
        actual:
          [pod.hostPID ? 'processes' : '', pod.hostNetwork ? 'network' : ''].filter(Boolean).join(', ') ||
          'nothing',
        source: 'API: pod.spec',
      },
    ],
    remedy: remedy(pod),
  });
}

function remedy(pod: Pod) {
  const remove = command('kubectl', 'delete', 'pod', '-n', pod.namespace, pod.name);
  if (pod.deletionTimestamp !== null) {
    return [
      look(
        'Its kubelet does not confirm the deletion. See whether the node is alive; if it is, restart its ' +
          "kubelet or look at the pod's finalizers.",
        command('kubectl', 'get', 'node', pod.node ?? ''),
      ),
      repair(
        'Only when the node is gone for good: remove the object by force.',
        `${remove} --grace-period=0 --force`,
      ),
    ];
  }
  if (isOwnPod(pod))
    return [
      repair('Remove it, and all other leftovers.', 'netns-audit sweep'),
      repair('Or only this one.', remove),
    ];
  return [
    look(
      'Ask the person named here whether it is still in use.',
      command('kubectl', 'get', 'pod', '-n', pod.namespace, pod.name, '-o', 'yaml', '--show-managed-fields'),
    ),
    repair('Delete it; no controller recreates it.', remove),
  ];
}
