import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { cordon, drainAndReboot, uncordon } from '../remedies/node.ts';
import { lookOnNode, repair } from '../remedies/steps.ts';

const SLOW = 2_000;
const HUNG = 10_000;
/** Errors of kernel limits; any other error may be about the probe itself. */
const EXHAUSTED =
  /no space left|cannot allocate|too many|resource temporarily|out of memory|quota|hung|timed? ?out/i;

/** The probe created an unnamed namespace with a pair of links, and released it. */
export const namespaceCreationFailing = defineCheck({
  id: 'namespace-creation-failing',
  topic: 'namespaces',
  severity: 'critical',
  title: 'The node can create a network namespace',
  failureTitle: 'Node cannot create network namespaces',
  why:
    'No new pod with its own network can start on the node: either a limit is reached, or the kernel is ' +
    'stuck freeing namespaces. Running pods keep running, so nothing else shows it until something ' +
    'restarts.',
  needs: ['creation', 'kernel'],
  run({ creation, kernel }, { node }) {
    const object = nodeObject(node);
    const error = creation.error ?? 'no reason given';
    if (!creation.ok && !EXHAUSTED.test(error) && creation.milliseconds < HUNG)
      return [unknown(object, `the attempt itself failed: ${error}`)];
    if (creation.ok && creation.milliseconds <= SLOW) return [pass(object)];
    const slow = creation.ok || creation.milliseconds >= HUNG;
    // All of these need the lock of network devices. They got it, so it is not stuck.
    if (slow && creation.meanwhile > 0)
      return [
        notApplicable(
          object,
          `it took long, but the runtime created or deleted ${creation.meanwhile} sandboxes meanwhile`,
        ),
      ];
    const duration = `${(creation.milliseconds / 1000).toFixed(1)} s`;
    const limit = kernel.sysctls['user.max_net_namespaces'];
    return [
      fail(object, {
        detail: creation.ok
          ? `A new network namespace with a pair of links took ${duration}.`
          : `A new network namespace could not be created (after ${duration}): ${error}.`,
        confidence: 'probable',
        severity: creation.ok && creation.milliseconds < HUNG ? 'high' : 'critical',
        evidence: [
          {
            what: 'making a namespace and a veth pair',
            expected: `under ${SLOW / 1000} s`,
            actual: creation.ok ? duration : `${error} (${duration})`,
            source: 'unshare --net ip link add … type veth',
          },
          ...(limit === undefined
            ? []
            : [{ what: 'limit', actual: limit, source: 'sysctl user.max_net_namespaces' }]),
        ],
        remedy: [
          lookOnNode(
            node,
            'find out whether a limit is reached ("No space left") or the kernel is stuck',
            'time unshare --net true; sysctl user.max_net_namespaces fs.mount-max; dmesg | tail -n 50',
          ),
          cordon(node, 'Start no more pods there.'),
          ...(slow
            ? drainAndReboot(node, 'The kernel is stuck, most likely: move the pods elsewhere.')
            : [
                repair(
                  'Repair what leaks (namespace-orphaned, namespace-held, namespace-hidden) or raise the limit that is reached.',
                ),
                uncordon(node, 'Once a namespace can be created again'),
              ]),
        ],
      }),
    ];
  },
});
