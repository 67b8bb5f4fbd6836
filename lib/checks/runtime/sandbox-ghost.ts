import { isBeingStopped, whyNotInApi } from '../../computed/pods/sandbox-pod.ts';
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
import { stopSandbox } from '../remedies/sandbox.ts';
import { command, look, repairOnNode } from '../remedies/steps.ts';

/** Force deletion removes the API object, whatever happens on the node (cilium#29571, aws#1091). */
export const sandboxGhost = defineCheck({
  id: 'sandbox-ghost',
  topic: 'runtime',
  about: 'sandboxes',
  severity: 'high',
  title: 'Every ready sandbox belongs to a pod of the API',
  failureTitle: 'Sandbox of a pod missing from the API',
  why:
    'Its containers may still run, write to volumes and answer at an address that the cluster gives to ' +
    'another pod. Nothing in the API shows it, and network policies no longer select it.',
  observations: 2,
  needs: ['sandboxes', 'pods', 'events'],
  run({ sandboxes, pods, events }, { node, now, settleSeconds }) {
    // The probe's own pod has a sandbox, so an empty list means that the runtime was not read.
    if (sandboxes.length === 0) return [unknown(nodeObject(node), 'no sandbox of the runtime could be read')];
    // A node without pods still has the probe's sandbox, which both API lists may miss.
    if (pods.length === 0 && sandboxes.some((sandbox) => whyNotInApi(sandbox) === null))
      return [
        unknown(nodeObject(node), 'the API listed no pod of this node, though there are sandboxes of some'),
      ];
    return sandboxes.flatMap((sandbox): Outcome[] => {
      if (sandbox.state !== 'ready') return [];
      const object = podObject(sandbox, node);
      if (pods.some((pod) => isSandboxOf(sandbox, pod))) return [pass(object)];
      const exempt = whyNotInApi(sandbox);
      if (exempt !== null) return [notApplicable(object, exempt)];
      if (!sandbox.stable) return [notApplicable(object, 'the sandbox changed while it was looked at')];
      const age = sandbox.createdAt === null ? null : (now - Date.parse(sandbox.createdAt)) / 1000;
      if (age !== null && age < settleSeconds.pod)
        return [notApplicable(object, 'the sandbox is not settled yet')];
      if (isBeingStopped(sandbox, events, now))
        return [notApplicable(object, 'the kubelet is taking it down')];
      const namesake = pods.find(
        (pod) => pod.namespace === sandbox.namespace && pod.name === sandbox.name && pod.uid !== sandbox.uid,
      );
      const live = sandbox.process === 'running' || sandbox.containers.some(({ pid }) => pid !== null);
      const containers = sandbox.containers.filter(({ pid }) => pid !== null).map(({ name }) => name);
      return [
        fail(object, {
          detail:
            `Sandbox ${sandbox.id.slice(0, 13)} is ready, but the API has no pod with uid ` +
            `${sandbox.uid}${namesake === undefined ? '' : `; the pod of that name is another (${namesake.uid})`}` +
            `. ${containers.length > 0 ? `Still running: ${containers.join(', ')}.` : 'None of its containers runs.'}`,
          confidence: live ? 'confirmed' : 'probable',
          evidence: [
            {
              what: 'pod of the sandbox',
              expected: `uid ${sandbox.uid}`,
              actual: namesake === undefined ? 'none' : `uid ${namesake.uid}`,
              source: 'API: pods of the node, listed before and after the probe',
            },
            {
              what: 'processes of the sandbox',
              actual: live ? `running (pid ${sandbox.pid ?? sandbox.containers[0]?.pid})` : 'none',
              source: "the runtime's sandbox specs, /proc",
            },
          ],
          remedy: [
            look(
              'Make sure that no such pod exists (it was deleted with --force, most likely).',
              command(
                'kubectl',
                'get',
                'pod',
                '-n',
                sandbox.namespace,
                sandbox.name,
                '-o',
                'jsonpath={.metadata.uid}',
              ),
            ),
            stopSandbox(sandbox, node),
            repairOnNode(node, 'once that worked, remove its record', command('crictl', 'rmp', sandbox.id)),
          ],
        }),
      ];
    });
  },
});
