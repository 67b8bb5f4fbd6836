import { lostMaps, missingProgram, programsOnLinks } from '../../computed/firewall/attached-programs.ts';
import { CILIUM_PINS, CILIUM_PROGRAMS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import { counted, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/** As link-program-missing, on the links by which Cilium gets what the node and other nodes send to its pods. */
export const nodeLinkProgramMissing = defineCheck({
  id: 'node-link-program-missing',
  topic: 'path',
  severity: 'critical',
  title: "The agent's programs and their maps are on the node",
  failureTitle: "Cilium's program or map is gone",
  why:
    'Nothing but this program brings packets from the link to pods. Without that of cilium_host, pods get nothing ' +
    'from the node, and no answers from Services and from outside; without that of the tunnel, nothing from other ' +
    'nodes. Without the maps by which they call each other, programs drop what pods send. Links, routes and endpoints ' +
    'all look right.',
  needs: ['podNetworks', 'hostNetwork', 'attachedPrograms', 'linkPrograms', 'cniConfig'],
  run({ podNetworks, hostNetwork: { links }, cniConfig, ...programs }, { node }) {
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
    const maps = lostMaps(cniConfig);
    if (gone.length === 0 && maps.length === 0) {
      const unread = judged.find(({ there }) => there === null);
      if (unread !== undefined)
        return [unknown(object, `the kernel did not say which programs stand on ${unread.name}`)];
      return [judged.length === 0 ? notApplicable(object, 'it has no link of Cilium') : pass(object)];
    }
    return [
      fail(object, {
        detail: `${listed([
          ...gone.map(({ name, program, takes }) => `${name} has no program (${program}), which ${takes}`),
          ...(maps.length === 0
            ? []
            : [
                `${counted(maps.length, 'map')} by which programs of pods call each other ${maps.length === 1 ? 'is' : 'are'} gone (${listed(maps, 3)}), so that they drop what the pods send`,
              ]),
        ])}.`,
        confidence: 'confirmed',
        evidence: [
          ...gone.map(({ name, program, place }) => missingProgram(name, place, program)),
          ...rowsOf(maps, SHOWN, (name) => ({
            what: `map ${name}`,
            expected: 'pinned',
            actual: 'none',
            source: `${CILIUM_PINS.maps} (node)`,
          })),
        ],
        remedy: [
          lookOnNode(
            node,
            'see what the agent has pinned, and find out what removed the rest.',
            command('ls', '-R', CILIUM_PINS.devices, CILIUM_PINS.maps),
          ),
          // Pods keep their network meanwhile.
          restartAgent(CILIUM_CNI, node),
        ],
        repair: agentRepair(CILIUM_CNI),
      }),
    ];
  },
});
