import {
  incidents,
  isActive,
  logged,
  recent,
  reportedWhileActive,
} from '../../computed/kernel/kernel-log.ts';
import { waitingDevices } from '../../computed/kernel/waiting-devices.ts';
import type { KernelMessage } from '../../model/evidence.ts';
import { counted, listed, quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { REBOOT, rebootForKernel } from '../remedies/node.ts';

const HUNG = /task .{1,60}:(\d{1,10}) blocked for more than \d+ seconds/;
const IN_NAMESPACE_CODE = /\b(cleanup_net|copy_net_ns)\b/;
/** Number of lines of a stack trace in the log. */
const TRACE = 30;

/** The kernel creates and deletes namespaces one at a time, so one stuck task blocks all (moby#5618). */
export const kernelNetnsHung = defineCheck({
  id: 'kernel-netns-hung',
  topic: 'kernel',
  severity: 'critical',
  title: 'No task hangs while creating or deleting a network namespace',
  failureTitle: 'Task stuck creating or deleting a network namespace',
  why:
    'The kernel creates and deletes network namespaces one at a time. If one task hangs there, all ' +
    'others wait: pods neither start nor stop until the node reboots.',
  needs: ['kernelLog', 'kernel'],
  run({ kernelLog, kernel: { blockedTasks } }, { node, now }) {
    const object = nodeObject(node);
    const hung = incidents(recent(kernelLog, now), HUNG, TRACE).filter(({ following }) =>
      following.some(({ text }) => IN_NAMESPACE_CODE.test(text)),
    );
    const last = hung.at(-1);
    if (last === undefined) return [pass(object)];
    if (waitingDevices(kernelLog, now).length > 0) {
      return [notApplicable(object, 'the kernel waits for a device: see kernel-unregister-netdevice')];
    }
    const pids = new Set(hung.map(({ header }) => pidOf(header)));
    // The kernel reports only its first ten hung tasks, so silence since then proves nothing; the task list
    // does.
    const still = blockedTasks.filter(
      ({ pid, stack }) => pids.has(pid) || stack.some((frame) => IN_NAMESPACE_CODE.test(frame)),
    );
    if (still.length === 0 && !isActive(last.header, now)) return [pass(object)];
    const frame = last.following.find(({ text }) => IN_NAMESPACE_CODE.test(text));
    return [
      fail(object, {
        detail: `${counted(hung.length, 'task')} reported as hung in network namespace code, last at ${last.header.at}; ${
          still.length === 0
            ? 'none seen blocked now'
            : `${still.length} blocked now: ${listed(
                still.map(({ pid, command }) => `${quote(command, 40)} (${pid})`),
                5,
              )}`
        }. ${reportedWhileActive('no task is blocked in such code any more')}`,
        confidence: still.length === 0 ? 'probable' : 'confirmed',
        evidence: [
          { what: 'last report', actual: logged(last.header), source: 'dmesg' },
          ...(frame === undefined
            ? []
            : [{ what: 'where it hangs', actual: logged(frame), source: 'dmesg' }]),
          ...rowsOf(still, 3, ({ pid, stack }) => ({
            what: `stack of task ${pid} now`,
            actual: quote(stack.slice(0, 4).join(' < ')) || 'blocked',
            source: `/proc/${pid}/stack`,
          })),
        ],
        remedy: rebootForKernel(node),
        repair: REBOOT,
      }),
    ];
  },
});

function pidOf({ text }: KernelMessage): number {
  return Number(HUNG.exec(text)?.[1]);
}
