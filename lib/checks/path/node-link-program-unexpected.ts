import type { Sources } from '../../model/evidence.ts';
import type { LinkProgram } from '../../model/network.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { isUnexpected, linkProgramInWords, programRow, removePrograms } from '../remedies/link-programs.ts';

const SHOWN = 5;
const OF_NODE = { in: 'comes in', out: 'goes out' } as const;

/** Chaos tools and tests of slow networks set it, and a test that is killed leaves it there. */
export const nodeLinkProgramUnexpected = defineCheck({
  id: 'node-link-program-unexpected',
  topic: 'path',
  severity: 'high',
  title: "Nothing on the node's own links drops or delays the packets of all pods",
  failureTitle: "Unknown filter or queue on the node's link",
  why:
    'It drops, delays or loses packets of every pod that uses the link, before any firewall or counter ' +
    'sees them: no rule, route or log shows why.',
  needs: ['podNetworks', 'hostNetwork', 'linkPrograms'],
  run({ podNetworks, hostNetwork, linkPrograms }, { node }) {
    const object = nodeObject(node);
    const used = usedByPods({ podNetworks, hostNetwork });
    if (used.size === 0)
      return [notApplicable(object, "no link of the node is known to carry pods' packets")];
    const found = linkPrograms.filter((program) => used.has(program.link) && isCertain(program));
    if (found.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: `${listed(
          found.map((program) => `${program.link} of the node has ${linkProgramInWords(program, OF_NODE)}`),
          SHOWN,
        )}.`,
        confidence: 'confirmed',
        evidence: rowsOf(found, SHOWN, (program) => programRow(program, 'none that loses packets', OF_NODE)),
        remedy: removePrograms(found, SHOWN, node, 'no pod has to be deleted'),
      }),
    ];
  },
});

/** Load balancers and protection against floods drop some packets on purpose, so only what drops all counts. */
const isCertain = (program: LinkProgram): boolean =>
  isUnexpected(program) && (program.place === 'queue' || program.drops === 'all');

/**
 * The bridges that pods are on, and the links that routes of the node lead out by; pods' own ends are judged
 * with the pod.
 */
function usedByPods({
  podNetworks,
  hostNetwork: { links, routes },
}: Pick<Sources, 'podNetworks' | 'hostNetwork'>): ReadonlySet<string> {
  const bridges = podNetworks.flatMap(({ hostLink }) => hostLink?.master ?? []);
  const leading = new Set(
    routes.flatMap(({ link, table, gateway }) =>
      link !== null && table !== 'local' && gateway !== null ? [link] : [],
    ),
  );
  const ofPods = new Set(podNetworks.map(({ hostLink }) => hostLink?.name));
  const out = links.flatMap(({ name, master }) =>
    !ofPods.has(name) && (leading.has(name) || (master !== null && leading.has(master))) ? [name] : [],
  );
  return new Set(podNetworks.length === 0 ? [] : [...bridges, ...out]);
}
