import { isNamespaceFile } from '../../computed/pods/ownership.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { Event, Pod } from '../../model/kubernetes.ts';
import { canonicalPath } from '../../model/path.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { stopSandbox } from '../remedies/sandbox.ts';
import { command, look, repair } from '../remedies/steps.ts';

/** A kubelet needs some seconds after the grace period to take a sandbox down, even if the settle time is 0. */
const TAKING_APART = 60;

/** The API sets deletionTimestamp to the end of the grace period, so counting starts there (docs/traps.md T38). */
export const sandboxStuckTerminating = defineCheck({
  id: 'sandbox-stuck-terminating',
  topic: 'runtime',
  severity: 'high',
  title: 'Deleted pods give up their sandbox in time',
  failureTitle: 'Pod is stuck in Terminating with its sandbox',
  why:
    'The pod cannot be removed, most often because the CNI plugin fails to release its network. It ' +
    'keeps its address and slot, a StatefulSet cannot replace it, and draining the node never ends.',
  needs: ['pods', 'sandboxes', 'pins', 'events'],
  run({ pods, sandboxes, pins, events }, { node, now, settleSeconds }) {
    const pinned = new Set(pins.filter(isNamespaceFile).map(({ path }) => canonicalPath(path)));
    return pods.flatMap((pod): Outcome[] => {
      const object = podObject(pod, node);
      if (pod.deletionTimestamp === null) return [pass(object)];
      const overdue = (now - Date.parse(pod.deletionTimestamp)) / 1000;
      if (overdue < Math.max(settleSeconds.pod, TAKING_APART))
        return [notApplicable(object, 'the pod is being deleted, within its time')];
      const held = sandboxes.filter(
        (sandbox) =>
          isSandboxOf(sandbox, pod) &&
          (sandbox.state === 'ready' ||
            (sandbox.namespacePath !== null && pinned.has(canonicalPath(sandbox.namespacePath)))),
      );
      const [sandbox] = held;
      if (sandbox === undefined)
        return [notApplicable(object, 'no sandbox is left on the node: a finalizer or the kubelet holds it')];
      const event = events.findLast(({ reason, uid }) => reason === 'FailedKillPod' && uid === pod.uid);
      const plugin = event === undefined ? null : /plugin type="([^"]{1,60})"/.exec(event.message)?.[1];
      return [
        fail(object, {
          detail:
            `The pod should have been gone since ${pod.deletionTimestamp} (${Math.round(overdue / 60)} ` +
            `minutes), but sandbox ${sandbox.id.slice(0, 13)} is ` +
            `${sandbox.state === 'ready' ? 'still ready' : 'stopped with its namespace still pinned'}` +
            `${plugin == null ? '' : `: CNI plugin ${plugin} fails to release it`}.`,
          confidence: 'confirmed',
          evidence: [
            {
              what: 'end of the grace period',
              actual: pod.deletionTimestamp,
              source: 'API: pod.metadata.deletionTimestamp',
            },
            {
              what: 'sandboxes of the pod',
              expected: 'none',
              actual: held.map(({ id, state }) => `${id.slice(0, 13)} ${state}`).join(', '),
              source: "the runtime's sandbox specs",
            },
            ...(event === undefined
              ? []
              : [{ what: 'event FailedKillPod', actual: event.message, source: 'API: events' }]),
          ],
          remedy: remedy(pod, event, [stopSandbox(sandbox, node)]),
        }),
      ];
    });
  },
});

function remedy(pod: Pod, event: Event | undefined, stop: readonly RemedyStep[]): RemedyStep[] {
  const message = event?.message ?? '';
  const hint = /failed to find plugin/.test(message)
    ? 'The binary of the CNI plugin is gone: put it back (restart the agent that installs it), and the kubelet ends the pod by itself.'
    : /device or resource busy/.test(message)
      ? 'Another mount namespace holds the pin: see namespace-pinned-elsewhere.'
      : /failed to destroy network/.test(message)
        ? 'The CNI plugin fails to release the network: repair its agent on the node, and the kubelet ends the pod by itself.'
        : 'See what the kubelet says about it.';
  return [
    look(hint, command('kubectl', 'describe', 'pod', '-n', pod.namespace, pod.name)),
    ...stop,
    repair(
      'Only once the sandbox is stopped: if the pod still stays in the API, remove it there. Before ' +
        'that, --force would leave its processes and address behind unseen.',
      command('kubectl', 'delete', 'pod', '-n', pod.namespace, pod.name, '--grace-period=0', '--force'),
    ),
  ];
}
