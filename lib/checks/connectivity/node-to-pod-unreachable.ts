import { layoutOf } from '../../computed/layouts.ts';
import { probesOf, unresolved } from '../../computed/path/pings.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { whyNothingAnswers } from '../frames/why-nothing-answers.ts';
import { recreatePod } from '../remedies/steps.ts';

/** Three answers, not two: a policy may drop pings, but none drops ARP or neighbour discovery. */
export const nodeToPodUnreachable = definePodCheck({
  id: 'node-to-pod-unreachable',
  topic: 'connectivity',
  severity: 'critical',
  active: 'ping',
  title: 'The node reaches the pod',
  failureTitle: 'Node cannot reach its own pod',
  why:
    'The pod answers neither a ping nor ARP, although everything that can be read looks right. The ' +
    "kubelet's probes fail as well, and traffic from elsewhere is lost on its last hop.",
  needs: ['podNetworks', 'hostNetwork', 'active'],
  judge(network, { active }) {
    const pings = (probesOf(network, active)?.pings ?? []).filter(({ from }) => from === 'node');
    if (pings.length > 0 && pings.every(({ answered }) => answered)) return 'pass';
    if (pings.length === 0) return { unknown: 'the pod was not pinged' };
    const layout = layoutOf(network);
    if (typeof layout === 'string') return `inconclusive: no answer, but ${layout}`;
    const dead = pings.filter(unresolved);
    if (dead.length === 0) {
      return 'inconclusive: the pod is there, but does not answer a ping; a network policy or a firewall may drop it';
    }
    return {
      detail: dead
        .map(
          ({ target, neighbour }) =>
            `From the node, ${target} answers no ping, and its neighbour entry is ${neighbour}.`,
        )
        .join(' '),
      confidence: 'confirmed',
      evidence: dead.flatMap(({ target, neighbour }) => [
        { what: `ping of ${target}`, expected: 'an answer', actual: 'none', source: 'ping (node)' },
        {
          what: `neighbour entry of ${target}`,
          expected: "the pod's MAC address",
          actual: neighbour ?? 'none',
          source: 'ip neigh (node)',
        },
      ]),
      remedy: recreatePod(network.pod),
    };
  },
  explainedBy: whyNothingAnswers,
});
