import { logged, recent, reportedWhileActive } from '../../computed/kernel/kernel-log.ts';
import { waitingDevices } from '../../computed/kernel/waiting-devices.ts';
import { counted, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, pass } from '../define.ts';
import { REBOOT, rebootForKernel } from '../remedies/node.ts';

/** One leaked reference blocks the only worker that cleans up namespaces (kubernetes#64743). */
export const kernelUnregisterNetdevice = defineCheck({
  id: 'kernel-unregister-netdevice',
  topic: 'kernel',
  severity: 'critical',
  title: 'The kernel takes network namespaces down',
  failureTitle: 'Kernel waits endlessly to release a network device',
  why:
    'One worker deletes all network namespaces, one after the other. While it waits, none is deleted, ' +
    'and soon none can be created: pods neither start nor stop until the node reboots.',
  needs: ['kernelLog', 'kernel'],
  run({ kernelLog, kernel: { blockedTasks } }, { node, now }) {
    const object = nodeObject(node);
    const waiting = waitingDevices(kernelLog, now);
    if (waiting.length === 0) return [pass(object)];
    const worker = blockedTasks.find(({ stack }) =>
      stack.some((frame) => /netdev_(run_todo|wait_allrefs)/.test(frame)),
    );
    const leaks = recent(kernelLog, now).filter(({ text }) => /ref_tracker: .*leaked reference/.test(text));
    return [
      fail(object, {
        detail:
          'The kernel waits for ' +
          `${listed(waiting.map(({ device, count, lines }) => `${device} (usage count ${count}, said ${lines.length} times, last at ${lines.at(-1)?.at})`))}` +
          `. ${reportedWhileActive('the kernel, which repeats it every 10 seconds, has fallen silent')}`,
        confidence: worker === undefined ? 'probable' : 'confirmed',
        evidence: [
          ...rowsOf(waiting, 5, ({ device, lines }) => [
            {
              what: `first of ${counted(lines.length, 'line')} about ${device}`,
              actual: lines[0] ? logged(lines[0]) : '',
              source: 'dmesg',
            },
            {
              what: `last line about ${device}`,
              actual: lines.at(-1) ? logged(lines.at(-1) as (typeof lines)[number]) : '',
              source: 'dmesg',
            },
          ]),
          ...rowsOf(leaks.toReversed(), 3, (line) => ({
            what: 'who leaked the reference',
            actual: logged(line),
            source: 'dmesg',
          })),
          ...(worker === undefined
            ? []
            : [
                {
                  what: `task ${worker.pid}`,
                  actual: 'waits in netdev_run_todo',
                  source: `/proc/${worker.pid}/stack`,
                },
              ]),
        ],
        remedy: rebootForKernel(node),
        repair: REBOOT,
      }),
    ];
  },
});
