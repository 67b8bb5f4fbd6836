import { createFailures, podEvents, REPEATED, span } from '../../computed/pods/pod-events.ts';
import { HOUR } from '../../model/days.ts';
import { counted } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, pass, podObject } from '../define.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';

/** A reboot or a runtime crash recreates each pod's sandbox once; more than this in an hour is a loop. */
const MOST_PER_HOUR = 5;

export const sandboxRecreatedRepeatedly = defineCheck({
  id: 'sandbox-recreated-repeatedly',
  topic: 'events',
  severity: 'medium',
  title: 'The pod keeps its sandbox',
  failureTitle: 'Pod sandbox keeps being recreated',
  why:
    'Each time, all containers of the pod are killed, and its address may change. Either the pause ' +
    'process dies, or the runtime reports a sandbox without an address (containerd#7843).',
  needs: ['events', 'pods'],
  run({ events, pods }, { node, now }) {
    const cannotBeMade = new Set(
      createFailures(events, pods, now)
        .filter(({ count }) => count >= REPEATED)
        .map(({ pod }) => pod.uid),
    );
    return podEvents(events, pods, now, ({ reason }) => reason === 'SandboxChanged').map((entry) => {
      const { pod, count, last } = entry;
      const object = podObject(pod, node);
      if (pod.deletionTimestamp !== null) return notApplicable(object, 'the pod is being deleted');
      if (pod.phase === 'Succeeded' || pod.phase === 'Failed')
        return notApplicable(object, 'the pod has ended');
      if (cannotBeMade.has(pod.uid)) {
        return notApplicable(object, 'the new sandbox cannot be created: see sandbox-create-failing');
      }
      if (last.lastSeen !== null && now - Date.parse(last.lastSeen) > HOUR) return pass(object);
      const first = Math.min(
        ...entry.events.map(({ firstSeen }) => (firstSeen === null ? now : Date.parse(firstSeen))),
      );
      const hours = Math.max(1, (now - first) / HOUR);
      if (count / hours <= MOST_PER_HOUR) return pass(object);
      return fail(object, {
        detail: `The kubelet recreated the sandbox ${counted(count, 'time')}, ${span(entry.events)}.`,
        confidence: 'probable',
        evidence: [
          {
            what: 'SandboxChanged in an hour',
            expected: `at most ${MOST_PER_HOUR}`,
            actual: (count / hours).toFixed(1),
            source: 'API: events',
          },
        ],
        remedy: [
          lookOnNode(
            node,
            "read why: the kubelet says what it misses, the runtime why the sandbox's process ended (out of memory, for one).",
            "journalctl -u kubelet -u containerd -u crio --since -1h --no-pager | grep -iE 'sandbox|pause|oom' | tail -n 50",
          ),
          ...recreatePod(pod),
        ],
      });
    });
  },
});
