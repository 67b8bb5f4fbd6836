import { hasSandboxSince, podEvents, REPEATED, span } from '../../computed/pods/pod-events.ts';
import type { Event } from '../../model/kubernetes.ts';
import { quote } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, pass, podObject } from '../define.ts';
import { explainSandboxFailure } from '../remedies/sandbox-failures.ts';

/** This long past its grace period a pod is stuck: sandbox-stuck-terminating reports it. */
const STUCK = 300_000;

export const sandboxKillFailing = defineCheck({
  id: 'sandbox-kill-failing',
  topic: 'events',
  severity: 'medium',
  title: 'The sandbox of the pod could be removed',
  failureTitle: "Pod's sandbox cannot be removed",
  why:
    'Until the network of the sandbox is removed, its namespace, link and address stay in use on the ' +
    'node, and the pod stays in Terminating.',
  needs: ['events', 'pods', 'sandboxes'],
  run({ events, pods, sandboxes }, { node, now }) {
    return podEvents(events, pods, now, isKillFailure).map((entry) => {
      const { pod, count, last } = entry;
      const object = podObject(pod, node);
      const stuck = pod.deletionTimestamp !== null && now - Date.parse(pod.deletionTimestamp) > STUCK;
      if (stuck && sandboxes.some(({ uid }) => uid === pod.uid)) {
        return notApplicable(object, 'the pod is stuck in Terminating: see sandbox-stuck-terminating');
      }
      // If the pod is not being deleted and runs, it has a new sandbox: the old one is gone.
      if (count < REPEATED || (pod.deletionTimestamp === null && hasSandboxSince(entry))) return pass(object);
      const explained = explainSandboxFailure(last.message, {
        node,
        namespace: pod.namespace,
        pod: pod.name,
      });
      return fail(object, {
        detail: `${count} failed attempts, because ${explained.cause}. Last: ${quote(last.message, 300)}`,
        confidence: 'probable',
        evidence: [
          {
            what: `${last.reason}, ${span(entry.events)}`,
            expected: `fewer than ${REPEATED}`,
            actual: `${count} times`,
            source: 'API: events',
          },
          {
            what: 'last message',
            actual: quote(last.message, 500),
            source: `API: event of ${last.lastSeen ?? 'an unknown time'}`,
          },
        ],
        remedy: explained.remedy,
      });
    });
  },
});

/**
 * FailedSync counts only if it is about the namespace: containerd removes a closed one when the kubelet asks
 * for its status.
 */
function isKillFailure({ reason, message }: Event): boolean {
  return (
    (reason === 'FailedKillPod' &&
      /KillPodSandbox|sandbox|network|context deadline exceeded/i.test(message)) ||
    (reason === 'FailedSync' && /remove netns|network namespace closed/.test(message))
  );
}
