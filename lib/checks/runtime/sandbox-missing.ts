import { isSandboxOf } from '../../model/sandbox-owner.ts';
import {
  defineCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  podObject,
  unknown,
} from '../define.ts';
import { recreatePod, repair } from '../remedies/steps.ts';

/** The API's status is older than what happened on the node, or the kubelet no longer handles the pod. */
export const sandboxMissing = defineCheck({
  id: 'sandbox-missing',
  topic: 'runtime',
  severity: 'critical',
  title: 'Every running pod has a sandbox',
  failureTitle: 'Pod has no sandbox',
  why:
    'The API shows the pod Running and Services send it traffic, but the runtime has no sandbox for ' +
    'it: the pod no longer runs, and the kubelet has not noticed or cannot create a new sandbox.',
  needs: ['pods', 'sandboxes', 'node', 'processes'],
  run({ pods, sandboxes, node: apiNode, processes }, { node }) {
    // The probe's own pod has a sandbox, so an empty list means that the runtime was not read.
    if (sandboxes.length === 0) return [unknown(nodeObject(node), 'no sandbox of the runtime could be read')];
    return pods.flatMap((pod): Outcome[] => {
      const running = pod.containers.filter((container) => container.running);
      if (pod.phase !== 'Running' || running.length === 0) return [];
      const object = podObject(pod, node);
      const own = sandboxes.filter((sandbox) => isSandboxOf(sandbox, pod));
      if (own.some(({ state }) => state === 'ready')) return [pass(object)];
      if (pod.unsettled !== null) return [notApplicable(object, pod.unsettled)];
      if (!apiNode.kubeletReports)
        return [
          notApplicable(object, 'the kubelet of the node does not report, so the API may be out of date'),
        ];
      const ids = new Set(running.flatMap(({ id }) => (id === null ? [] : [id])));
      const alive = processes.find(({ containerId }) => containerId !== null && ids.has(containerId));
      if (alive !== undefined)
        return [
          unknown(
            object,
            `its container still runs (pid ${alive.pid}), so its sandbox is somewhere not read`,
          ),
        ];
      const stopped = own.map(({ id }) => id.slice(0, 13)).join(', ');
      return [
        fail(object, {
          detail:
            `The API shows ${running.length} running ${running.length === 1 ? 'container' : 'containers'}, but ` +
            'the runtime has no ready sandbox of this ' +
            `pod${stopped === '' ? '' : `, only stopped: ${stopped}`}, and none of their processes is there.`,
          confidence: 'confirmed',
          evidence: [
            {
              what: 'ready sandboxes of the pod',
              expected: 'one',
              actual: stopped === '' ? 'none' : `none; stopped: ${stopped}`,
              source: "the runtime's sandbox specs",
            },
            {
              what: 'running containers of the pod',
              actual: running.map(({ name }) => name).join(', '),
              source: 'API: pod.status.containerStatuses',
            },
          ],
          remedy: [
            ...recreatePod(pod),
            repair(
              `If the new one does not start either, the kubelet is stuck. On node ${node}, as root: restart it ` +
                '(containers go on running).',
              'systemctl restart kubelet',
            ),
          ],
        }),
      ];
    });
  },
});
