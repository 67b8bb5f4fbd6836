import { whyOnItsWayOut } from '../../computed/pods/sandbox-pod.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { recreateSandbox } from '../remedies/sandbox.ts';

/** Sandboxes in a virtual machine: their process is not in the pod's cgroup. */
const VIRTUAL = /kata|firecracker|gvisor|runsc/i;

/** containerd enters /proc/PID/ns/net for each container it starts: a reused pid leads to another pod's network. */
export const sandboxProcessDead = defineCheck({
  id: 'sandbox-process-dead',
  topic: 'runtime',
  about: 'sandboxes',
  severity: 'high',
  title: 'The process of every ready sandbox lives',
  failureTitle: 'Process of a ready sandbox is gone',
  why:
    'The runtime calls the sandbox ready, but its pause process is dead, or another program has its pid ' +
    'now. A container that restarts fails, or joins the network of that program.',
  needs: ['sandboxes', 'pods'],
  run({ sandboxes, pods }, { node }) {
    return sandboxes.flatMap((sandbox): Outcome[] => {
      if (sandbox.state !== 'ready') return [];
      const object = podObject(sandbox, node);
      if (sandbox.process === 'running') return [pass(object)];
      if (sandbox.process === 'none')
        return [notApplicable(object, 'the runtime keeps no process for its sandboxes (CRI-O)')];
      if (!sandbox.stable) return [notApplicable(object, 'the sandbox changed while it was looked at')];
      const leaving = whyOnItsWayOut(sandbox, pods);
      if (leaving !== null) return [notApplicable(object, leaving)];
      const pod = pods.find((candidate) => isSandboxOf(sandbox, candidate));
      const handler = sandbox.runtimeHandler ?? pod?.runtimeClass ?? '';
      if (sandbox.process === 'foreign' && VIRTUAL.test(handler))
        return [notApplicable(object, `the runtime ${handler} runs it outside the cgroup of the pod`)];
      const foreign = sandbox.process === 'foreign';
      const running = sandbox.containers.filter(({ pid }) => pid !== null).map(({ name }) => name);
      return [
        fail(object, {
          detail:
            `${foreign ? `Pid ${sandbox.pid} of sandbox ${sandbox.id.slice(0, 13)} now belongs to another cgroup` : `The process of sandbox ${sandbox.id.slice(0, 13)} (pid ${sandbox.pid}) is gone`}` +
            ', while the runtime has it as ' +
            `ready${running.length > 0 ? ` and ${running.join(', ')} still ${running.length === 1 ? 'runs' : 'run'}` : ''}.`,
          confidence: 'confirmed',
          evidence: [
            {
              what: 'process of the sandbox',
              expected: `pid ${sandbox.pid} in the cgroup of ${sandbox.id.slice(0, 13)}`,
              actual: foreign ? 'another cgroup: the pid was used again' : 'no such process',
              source: `/proc/${sandbox.pid}/cgroup`,
            },
            { what: 'state of the sandbox', actual: 'ready', source: "the runtime's task directory" },
          ],
          remedy: recreateSandbox(sandbox, pods, node),
        }),
      ];
    });
  },
});
