import { missingProgram, programsOnLinks } from '../../computed/attached-programs.ts';
import { CILIUM_PINS, CILIUM_PROGRAMS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode } from '../remedies/steps.ts';

/** As link-program-missing, on the links by which Cilium gets what the node and other nodes send to its pods. */
export const nodeLinkProgramMissing = defineCheck({
  id: 'node-link-program-missing',
  topic: 'path',
  severity: 'critical',
  title: "The agent's programs stand on its links of the node",
  failureTitle: "Cilium's program is gone from its link",
  why:
    'Nothing but this program brings packets from the link to pods. Without that of cilium_host, pods get nothing ' +
    'from the node, and no answers from Services and from outside; without that of the tunnel, nothing from other ' +
    'nodes. Links, routes and endpoints all look right.',
  needs: ['podNetworks', 'hostNetwork', 'attachedPrograms', 'linkPrograms'],
  run({ podNetworks, hostNetwork: { links }, ...programs }, { node }) {
    const object = nodeObject(node);
    if (!podNetworks.some(({ plugin }) => plugin === CILIUM_CNI))
      return [
        notApplicable(object, 'no pod of the node gets its packets from programs on links of the node'),
      ];
    const hasProgram = programsOnLinks(programs);
    const judged = CILIUM_PROGRAMS.flatMap((program) =>
      links
        .filter(({ name }) => program.link.test(name))
        .map(({ name }) => ({ ...program, name, there: hasProgram(name, program.place) })),
    );
    const gone = judged.filter(({ there }) => there === false);
    if (gone.length === 0) {
      const unread = judged.find(({ there }) => there === null);
      if (unread !== undefined)
        return [unknown(object, `the kernel did not say which programs stand on ${unread.name}`)];
      return [judged.length === 0 ? notApplicable(object, 'it has no link of Cilium') : pass(object)];
    }
    return [
      fail(object, {
        detail: `${listed(
          gone.map(({ name, program, takes }) => `${name} has no program (${program}), which ${takes}`),
        )}.`,
        confidence: 'confirmed',
        evidence: gone.map(({ name, program, place }) => missingProgram(name, place, program)),
        remedy: [
          lookOnNode(
            node,
            'see which programs the agent has pinned, and find out what removed this one.',
            command('ls', '-R', CILIUM_PINS.devices),
          ),
          // Pods keep their network meanwhile.
          restartAgent(CILIUM_CNI, node),
        ],
        repair: agentRepair(CILIUM_CNI),
      }),
    ];
  },
});
