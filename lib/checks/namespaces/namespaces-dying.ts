import type { Sources } from '../../model/evidence.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { kernelNetnsHung } from '../kernel/kernel-netns-hung.ts';
import { kernelUnregisterNetdevice } from '../kernel/kernel-unregister-netdevice.ts';
import { cordon, drainAndReboot, REBOOT } from '../remedies/node.ts';
import { lookOnNode } from '../remedies/steps.ts';

/** Ordinary teardown always sleeps here for some milliseconds. */
const ORDINARY_WAIT =
  /\b(synchronize_rcu|synchronize_net|rcu_barrier|__wait_rcu_gp|wait_rcu_exp_gp|exp_funnel_lock)/;
/** The allocator's rounding alone does not give this many more objects than visible namespaces. */
const INVISIBLE = 20;

/** One worker cleans up all namespaces; while it is stuck, none is freed, and soon none can be created (moby#5618). */
export const namespacesDying = defineCheck({
  id: 'namespaces-dying',
  topic: 'namespaces',
  severity: 'critical',
  title: 'The kernel frees namespaces',
  failureTitle: 'Kernel is stuck while freeing network namespaces',
  why:
    'One kernel worker frees all network namespaces. While it waits for a device or a lock, none is ' +
    'freed, and soon none can be created: pods neither start nor stop until the node reboots.',
  observations: 2,
  needs: ['kernel', 'kernelLog', 'namespaces', 'hiddenNamespaces'],
  run(sources, context) {
    const { node } = context;
    const object = nodeObject(node);
    const worker = stuckWorker(sources.kernel);
    if (worker === undefined) return [pass(object)];
    const reported = [kernelUnregisterNetdevice, kernelNetnsHung].find((check) =>
      check.run(sources, context).some(({ result }) => result === 'fail'),
    );
    if (reported !== undefined)
      return [notApplicable(object, `the kernel log says what it waits for: see ${reported.id}`)];
    const visible = sources.namespaces.length + sources.hiddenNamespaces.length;
    const { namespaceObjects } = sources.kernel;
    const piledUp = namespaceObjects !== null && namespaceObjects - visible > INVISIBLE;
    return [
      fail(object, {
        detail:
          `${worker.command} (pid ${worker.pid}) sleeps uninterruptibly while it frees namespaces, in ` +
          `${worker.stack[0] ?? '?'}` +
          `${piledUp ? `; the kernel keeps ${namespaceObjects} namespaces, of which ${visible} are visible` : ''}.`,
        confidence: piledUp ? 'confirmed' : 'suspected',
        ...(piledUp ? {} : { severity: 'high' as const }),
        evidence: [
          {
            what: 'stack of the worker',
            expected: 'no worker that waits',
            actual: worker.stack.slice(0, 8).join(' ← '),
            source: `/proc/${worker.pid}/stack`,
          },
          {
            what: 'namespaces that the kernel keeps',
            expected: `${visible}, as many as are visible`,
            actual: namespaceObjects === null ? 'not shown by this kernel' : String(namespaceObjects),
            source: '/proc/slabinfo net_namespace',
          },
        ],
        remedy: [
          lookOnNode(
            node,
            'look again after a minute: a worker that moved on is healthy',
            `cat /proc/${worker.pid}/stack`,
          ),
          cordon(node, 'Start no more pods there.'),
          lookOnNode(
            node,
            'save what all blocked tasks wait for',
            'echo w > /proc/sysrq-trigger; dmesg > /var/log/netns-blocked-tasks.txt',
          ),
          ...drainAndReboot(node, 'Move the pods elsewhere: nothing but another boot frees the worker.'),
        ],
        repair: REBOOT,
      }),
    ];
  },
});

function stuckWorker(kernel: Sources['kernel']) {
  return kernel.blockedTasks.find(
    ({ stack }) =>
      stack.some((frame) => frame.includes('cleanup_net')) &&
      !stack.some((frame) => ORDINARY_WAIT.test(frame)),
  );
}
