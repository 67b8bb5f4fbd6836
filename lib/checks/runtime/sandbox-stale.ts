import { isNamespaceFile } from '../../computed/pods/ownership.ts';
import { isBeingStopped } from '../../computed/pods/sandbox-pod.ts';
import { canonicalPath } from '../../model/path.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { command, look, repairOnNode } from '../remedies/steps.ts';

/** The sandbox stopped, but CNI DEL never succeeded: namespace, links and address remain (containerd#10865). */
export const sandboxStale = defineCheck({
  id: 'sandbox-stale',
  topic: 'runtime',
  about: 'sandboxes',
  severity: 'medium',
  title: 'Stopped sandboxes have given their namespace back',
  failureTitle: 'Stopped sandbox still owns its network namespace',
  why:
    'If the CNI plugin fails to release a stopped sandbox, its namespace, veth pair and address remain, ' +
    'and the kubelet may have given up.',
  observations: 2,
  needs: ['sandboxes', 'pins', 'pods', 'events'],
  run({ sandboxes, pins, pods, events }, { node, now, settleSeconds }) {
    const pinOf = new Map(pins.map((pin) => [canonicalPath(pin.path), pin]));
    const ready = Map.groupBy(
      sandboxes.filter(({ state }) => state === 'ready'),
      ({ uid }) => uid,
    );
    return sandboxes.flatMap((sandbox): Outcome[] => {
      if (sandbox.network !== 'pod') return [];
      const pod = pods.find((candidate) => isSandboxOf(sandbox, candidate));
      // A pod can leave several sandboxes behind; a sandbox keeps its id as long as it exists.
      const object = { ...podObject(sandbox, node), path: `sandbox ${sandbox.id.slice(0, 13)}` };
      const path = sandbox.namespacePath === null ? null : canonicalPath(sandbox.namespacePath);
      const pin = path === null ? undefined : pinOf.get(path);
      if (sandbox.state === 'ready' || pin === undefined || !isNamespaceFile(pin)) return [pass(object)];
      if (!sandbox.stable) return [notApplicable(object, 'the sandbox changed while it was looked at')];
      if (pod !== undefined && pod.deletionTimestamp !== null)
        return [notApplicable(object, 'the pod is being deleted: see sandbox-stuck-terminating')];
      // If the pod has a newer sandbox, this one was stopped before it; otherwise only its own age is known.
      const successor = ready.get(sandbox.uid)?.find(({ id }) => id !== sandbox.id);
      const since = successor?.createdAt ?? sandbox.createdAt ?? pin.modifiedAt;
      if (
        successor === undefined &&
        pod?.phase === 'Running' &&
        pod.containers.some(({ running }) => running)
      )
        return [notApplicable(object, 'the API shows its containers running: see sandbox-missing')];
      if ((now - Date.parse(since)) / 1000 < settleSeconds.orphan)
        return [notApplicable(object, 'it may only just have stopped')];
      if (isBeingStopped(sandbox, events, now))
        return [notApplicable(object, 'the kubelet is taking it down')];
      return [
        fail(object, {
          detail:
            `Sandbox ${sandbox.id.slice(0, 13)} is stopped, but ${pin.path} still pins its namespace ` +
            `net:[${pin.inode}]; ${successor !== undefined ? `the pod runs in ${successor.id.slice(0, 13)} since ${since}` : pod === undefined ? 'the API knows no such pod' : `the pod is ${pod.phase}`}.`,
          confidence: 'confirmed',
          evidence: [
            {
              what: 'task of the sandbox',
              actual: 'none (stopped)',
              source: "the runtime's task directory",
            },
            {
              what: 'pin of its namespace',
              expected: 'gone',
              actual: `${pin.path} → net:[${pin.inode}]`,
              source: `stat /proc/1/root${pin.path}`,
            },
          ],
          remedy: [
            look(
              `See why the CNI plugin cannot release it: events FailedKillPod, and the runtime's log on node ${node}.`,
              command('kubectl', 'get', 'events', '-A', '--field-selector', 'reason=FailedKillPod'),
            ),
            repairOnNode(
              node,
              'release it again (CNI DEL); the error it prints names the plugin',
              command('crictl', 'stopp', sandbox.id),
            ),
            repairOnNode(node, 'once that worked, remove its record', command('crictl', 'rmp', sandbox.id)),
          ],
        }),
      ];
    });
  },
});
