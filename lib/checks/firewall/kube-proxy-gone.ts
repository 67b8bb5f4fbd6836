import type { NodeRoutes } from '../../model/node-routes.ts';
import {
  defineClusterCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  unknown,
} from '../define.ts';
import { deleteAgentPods } from '../remedies/restart-agent.ts';
import { look, lookOnNode, podsOnNode, repair } from '../remedies/steps.ts';

const SELECTOR = 'k8s-app=kube-proxy';

/**
 * The rules stay, and nobody sees that they no longer change. What replaces kube-proxy does so on all nodes, so
 * a node is compared with the others.
 */
export const kubeProxyGone = defineClusterCheck({
  id: 'kube-proxy-gone',
  topic: 'firewall',
  severity: 'high',
  title: 'kube-proxy runs on the node, as on others',
  failureTitle: 'kube-proxy does not run on the node',
  why:
    'The rules of Services stay as they are. Whenever a pod is replaced from now on, anywhere in the ' +
    'cluster, this node still sends connections to its old address, where they fail. New Services do ' +
    'not answer at all.',
  // It may be restarting.
  observations: 2,
  run({ nodeRoutes }) {
    const runs = nodeRoutes.filter(({ serviceProxy }) => serviceProxy === 'runs').length;
    const gone = nodeRoutes.filter(({ serviceProxy }) => serviceProxy === 'gone').length;
    return nodeRoutes.map((node) => judge(node, runs, gone));
  },
});

function judge({ node, serviceProxy = null }: NodeRoutes, runs: number, gone: number): Outcome {
  const object = nodeObject(node);
  if (serviceProxy === null)
    return notApplicable(object, 'kube-proxy has no rules here, or another agent may have replaced it');
  if (serviceProxy === 'runs') return pass(object);
  if (runs === 0) return notApplicable(object, 'kube-proxy runs on no node that was read');
  if (gone > runs)
    return unknown(
      object,
      `kube-proxy runs on ${runs} nodes, and left its rules on ${gone}: it may be replaced`,
    );
  return fail(object, {
    detail: `kube-proxy has rules on ${node}, and no process of it runs there; it runs on ${runs === 1 ? 'another node' : `${runs} other nodes`}.`,
    confidence: 'probable',
    evidence: [
      {
        what: `processes of kube-proxy on ${node}`,
        expected: '1',
        actual: '0',
        source: 'processes and packet filters (node)',
      },
    ],
    remedy: [
      look('See whether it has a pod on the node, and in which state.', podsOnNode(node, SELECTOR)),
      lookOnNode(
        node,
        'if it runs as a systemd unit, find out why it ended, and start it.',
        'systemctl status kube-proxy --no-pager; journalctl -b -u kube-proxy --no-pager | tail -n 20',
      ),
      repair(
        'Where it is a pod, recreate it; it writes all of its rules when it starts.',
        deleteAgentPods({ namespace: 'kube-system', selector: SELECTOR, node }),
      ),
    ],
  });
}
