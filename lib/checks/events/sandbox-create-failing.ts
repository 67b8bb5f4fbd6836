import { createFailures, hasSandboxSince, REPEATED, span } from '../../computed/pods/pod-events.ts';
import { quote } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, pass, podObject } from '../define.ts';
import { AGENT_BUSY, explainSandboxFailure } from '../remedies/sandbox-failures.ts';

/** Only the kubelet's message contains the plugin's own error. */
export const sandboxCreateFailing = defineCheck({
  id: 'sandbox-create-failing',
  topic: 'events',
  severity: 'high',
  title: 'The sandbox of the pod could be created',
  failureTitle: "Pod's sandbox cannot be created",
  why:
    'The pod stays in ContainerCreating. The kubelet keeps trying and failing, and each attempt may ' +
    'leave an address or a link behind.',
  needs: ['events', 'pods'],
  run({ events, pods }, { node, now, settleSeconds }) {
    const failing = createFailures(events, pods, now).map((entry) => ({
      ...entry,
      explained: explainSandboxFailure(entry.last.message, {
        node,
        namespace: entry.pod.namespace,
        pod: entry.pod.name,
      }),
    }));
    return failing.map((entry) => {
      const { pod, count, last, explained } = entry;
      const object = podObject(pod, node);
      if (pod.deletionTimestamp !== null) return notApplicable(object, 'the pod is being deleted');
      if (pod.phase === 'Succeeded' || pod.phase === 'Failed')
        return notApplicable(object, 'the pod has ended');
      if (hasSandboxSince(entry)) return pass(object);
      if (now - Date.parse(pod.createdAt) < settleSeconds.pod * 1000) {
        return notApplicable(object, 'the pod is too young to be judged');
      }
      const alike = failing.filter(
        (other) => other.explained.id === explained.id && !hasSandboxSince(other),
      ).length;
      // During a rollout many pods are deferred once each.
      if (count < REPEATED && (alike < REPEATED || explained.id === AGENT_BUSY)) return pass(object);
      return fail(object, {
        detail:
          `${count} failed attempts${alike > 1 ? `, and ${alike} pods of the node fail alike` : ''}, because ` +
          `${explained.cause}. Last: ${quote(last.message, 300)}`,
        confidence: 'probable',
        evidence: [
          {
            what: `FailedCreatePodSandBox, ${span(entry.events)}`,
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
