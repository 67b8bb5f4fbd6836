import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { judgePods } from '../frames/judge-pods.ts';
import { look, recreatePod } from '../remedies/steps.ts';

/** By inode of the PID namespace: what `ps` shows depends on the image and on hidepid. */
export const podSeesHostProcesses = defineCheck({
  id: 'pod-sees-host-processes',
  topic: 'isolation',
  severity: 'critical',
  title: 'The pod does not see the processes of the node',
  failureTitle: "Pod without hostPID sees the node's processes",
  why:
    "A container in the node's PID namespace reads the command lines of all processes on the node, " +
    'including those of other pods, and can signal those of its own user. If it is privileged, it is ' +
    'root on the node.',
  needs: ['pods', 'sandboxes', 'host'],
  run({ pods, sandboxes, host }, { node }) {
    return judgePods(pods, sandboxes, node, ({ pod, sandbox, object }) => {
      if (pod.hostPID) return notApplicable(object, 'the pod asked for the processes of the node');
      const parts = [
        { what: 'pause process', pid: sandbox.pid, inode: sandbox.pidNamespace },
        ...sandbox.containers.map(({ name, pid, pidNamespace }) => ({
          what: `container ${name}`,
          pid,
          inode: pidNamespace,
        })),
      ].filter(({ pid, inode }) => pid !== null && inode !== null);
      if (parts.length === 0) {
        return sandbox.containers.some(({ pid }) => pid !== null)
          ? unknown(object, 'the PID namespaces of the pod could not be read')
          : notApplicable(object, 'no process of the pod runs');
      }
      const inside = parts.filter(({ inode }) => inode === host.pidNamespace);
      if (inside.length === 0) return pass(object);
      return fail(object, {
        detail:
          `The pod has no hostPID, but ${inside.map(({ what, pid }) => `${what} (pid ${pid})`).join(', ')} ` +
          `${inside.length === 1 ? 'is' : 'are'} in the node's own pid:[${host.pidNamespace}].`,
        confidence: 'confirmed',
        evidence: [
          ...inside.map(({ what, pid, inode }) => ({
            what: `PID namespace of ${what}`,
            expected: 'one of the pod',
            actual: `pid:[${inode}]`,
            source: `/proc/${pid}/ns/pid`,
          })),
          {
            what: "the node's own PID namespace",
            actual: `pid:[${host.pidNamespace}]`,
            source: '/proc/1/ns/pid',
          },
          { what: 'hostPID', actual: 'false', source: 'API: pod.spec.hostPID' },
        ],
        remedy: [
          look(
            'Treat it as a security incident: find out how it was started, from the audit log and the runtime, before it goes.',
          ),
          ...recreatePod(pod),
        ],
      });
    });
  },
});
