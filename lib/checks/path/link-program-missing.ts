import { missingProgram, programsOnLinks } from '../../computed/firewall/attached-programs.ts';
import { linkFault, networkElsewhere } from '../../computed/preconditions.ts';
import { CILIUM_PINS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, look, lookOnNode } from '../remedies/steps.ts';

/**
 * The agent attaches it when it creates the pod's endpoint, and pins it in a file system of the kernel: the program
 * goes with the pin (loader/tcx.go). Until it restarts, the agent does not look again.
 */
export const linkProgramMissing = definePodCheck({
  id: 'link-program-missing',
  topic: 'path',
  severity: 'high',
  title: "The agent's program stands on the pod's link",
  failureTitle: "Cilium's program is gone from the pod's link",
  why:
    'What the pod sends goes by the routes and rules of the node instead: no network policy of Cilium applies to it, ' +
    'and Cilium translates no Service for it. Interface, routes and endpoint look right, and most packets may arrive.',
  needs: ['podNetworks', 'attachedPrograms', 'linkPrograms'],
  unless: [networkElsewhere, linkFault],
  facts: (sources) => ({ hasProgram: programsOnLinks(sources) }),
  judge({ plugin, hostLink }, { hasProgram }, { node }) {
    if (plugin !== CILIUM_CNI) return 'its plugin needs no program on its link';
    const link = hostLink?.name ?? '';
    const there = hasProgram(link, 'in');
    if (there === null) return { unknown: `the kernel did not say which programs stand on ${link}` };
    if (there) return 'pass';
    return {
      detail: `No program stands on ${link}, the node's end of the pod's link, where Cilium takes what the pod sends.`,
      confidence: 'confirmed',
      evidence: [missingProgram(link, 'in', 'cil_from_container')],
      remedy: [
        lookOnNode(
          node,
          'see which programs the agent has pinned, and find out what removed this one.',
          command('ls', '-R', CILIUM_PINS.endpoints),
        ),
        restartAgent(CILIUM_CNI, node),
        look('It attaches the programs of all its pods when it starts; the pods go on running.'),
      ],
      repair: agentRepair(CILIUM_CNI),
    };
  },
});
