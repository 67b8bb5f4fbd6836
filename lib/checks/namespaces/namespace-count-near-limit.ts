import { sysctlNumber } from '../../computed/kernel/sysctls.ts';
import { defineCheck, fail, nodeObject, pass, unknown } from '../define.ts';
import { raisedByTool, raiseLimits } from '../remedies/raise-limits.ts';
import { look } from '../remedies/steps.ts';

const SHARE = 0.8;
const LIMIT = 'user.max_net_namespaces';

/** Namespaces being deleted count until the kernel has freed them (namespaces(7)). */
export const namespaceCountNearLimit = defineCheck({
  id: 'namespace-count-near-limit',
  topic: 'namespaces',
  severity: 'high',
  title: 'The node has room for more network namespaces',
  failureTitle: 'Network namespaces near their limit',
  why:
    'At user.max_net_namespaces no new namespace can be created: every new pod of the node fails with ' +
    '"failed to create network namespace", while running pods keep running.',
  needs: ['namespaces', 'hiddenNamespaces', 'kernel'],
  run({ namespaces, hiddenNamespaces, kernel }, { node }) {
    const object = nodeObject(node);
    const limit = sysctlNumber(kernel, LIMIT);
    if (limit === null) return [unknown(object, `the limit ${LIMIT} could not be read`)];
    const count = namespaces.length + hiddenNamespaces.length;
    const raised = [{ from: limit, to: Math.max(limit, count) * 2 }];
    if (count <= limit * SHARE) return [pass(object)];
    return [
      fail(object, {
        detail: `${count} network namespaces are alive, of at most ${limit}.`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'network namespaces',
            expected: `at most ${Math.floor(limit * SHARE)}`,
            actual: String(count),
            source: '/proc/*/task/*/ns/net, /proc/1/mountinfo, /proc/*/fd',
          },
          { what: 'limit', actual: String(limit), source: `sysctl ${LIMIT}` },
          {
            what: 'kernel objects, those being freed included',
            actual:
              kernel.namespaceObjects === null ? 'not shown by this kernel' : String(kernel.namespaceObjects),
            source: '/proc/slabinfo net_namespace',
          },
        ],
        remedy: [
          look(
            'Find what leaks: see the findings namespace-orphaned, namespace-held and namespace-hidden of this node.',
          ),
          ...raiseLimits(node, LIMIT, raised),
        ],
        ...raisedByTool(LIMIT, raised),
      }),
    ];
  },
});
