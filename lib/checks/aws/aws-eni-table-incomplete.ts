import { prefixLength, sameAddress, subnetOf } from '../../computed/cidr.ts';
import { eniTable, PRIORITY, sharedEniPod } from '../../computed/routes/aws-routing.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { defaultRoutes } from '../../computed/routes/uplinks.ts';
import { AWS_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { Link, NetworkStack, Route } from '../../model/network.ts';
import { counted, listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/**
 * The kernel deletes routes with their link, and network managers delete routes that they did not create
 * (amazon-vpc-cni-k8s#391).
 */
export const awsEniTableIncomplete = defineCheck({
  id: 'aws-eni-table-incomplete',
  topic: 'aws',
  severity: 'critical',
  title: 'The table of every ENI has its default route (AWS VPC CNI)',
  failureTitle: "ENI's default route is missing or wrong (AWS VPC CNI)",
  why:
    "Packets of that ENI's pods fall through to the main table and leave by the first ENI, where EC2 " +
    'drops them, because their address belongs to another ENI.',
  needs: ['podNetworks', 'hostNetwork'],
  run({ podNetworks, hostNetwork }, { node }) {
    const object = nodeObject(node);
    const own = podNetworks.filter((network) => sharedEniPod(network) === null);
    if (own.length === 0)
      return [notApplicable(object, 'no pod of the node is on a shared ENI of the AWS VPC CNI')];
    const enis = [...podsByTable(own, hostNetwork)].flatMap(([table, pods]): Incomplete[] => {
      const eni = eniOf(table, hostNetwork);
      const ways = waysOut(table, hostNetwork);
      const [wrong] = eni === null || ways.some((way) => isRight(way, eni, hostNetwork)) ? [] : ways;
      return ways.length > 0 && wrong === undefined ? [] : [{ table, pods, eni, wrong: wrong ?? null }];
    });
    if (enis.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: enis.map(detailOf).join(' '),
        confidence: 'confirmed',
        // The next pods on the ENI have no way out.
        ...(enis.every(({ pods }) => pods.length === 0) ? { severity: 'high' as const } : {}),
        evidence: enis.map(({ table, eni, wrong }) => ({
          what: `default route of table ${table}`,
          expected: eni === null ? 'one by its ENI' : `default via ${eni.gateway} dev ${eni.link.name}`,
          actual: wrong === null ? 'none' : routeText(wrong),
          source: `ip route show table ${table} (node)`,
        })),
        remedy: enis.flatMap(({ table, eni }) => remedyOf(table, eni, node)),
      }),
    ];
  },
});

/** `wrong`: its default route; null if it has none. */
type Incomplete = {
  readonly table: string;
  readonly pods: readonly PodNetwork[];
  readonly eni: Eni | null;
  readonly wrong: Route | null;
};

function detailOf({ table, pods, eni, wrong }: Incomplete): string {
  const of = `Table ${table}${eni === null ? '' : `, that of ${eni.link.name}${eni.link.up ? '' : ', which is down'},`}`;
  if (wrong === null) return `${of} has no default route${lostBy(pods, 'leaves by the wrong ENI')}`;
  if (wrong.link !== eni?.link.name)
    return `${of} has its default route by ${wrong.link}${lostBy(pods, 'leaves by the wrong ENI')}`;
  const router = `${wrong.gateway}, and not by the router ${eni?.gateway}`;
  return `${of} has its default route by ${router}${lostBy(pods, 'reaches nobody outside the node')}`;
}

function lostBy(pods: readonly PodNetwork[], what: string): string {
  if (pods.length === 0) return '; no pod uses it yet.';
  const names = listed(
    pods.map(({ pod }) => namespacedName(pod)),
    5,
  );
  const [send, them] = pods.length === 1 ? ['sends', 'it'] : ['send', 'them'];
  return (
    `: what ${counted(pods.length, 'pod')} (${names}) ${send} ${what}. One-way: what ` +
    `is sent to ${them} still arrives.`
  );
}

/** Groups pods by the table of their ENI: the one the plugin noted, else the one that an existing rule names. */
function podsByTable(networks: readonly PodNetwork[], { rules }: NetworkStack): Map<string, PodNetwork[]> {
  const byAddress = new Map(
    rules.flatMap(({ priority, source, table }) =>
      priority === PRIORITY.fromPod && table !== null ? [[source.split('/')[0] ?? '', table] as const] : [],
    ),
  );
  const tableOf = (network: PodNetwork) =>
    eniTable(network) ??
    network.pod.podIPs.map((address) => byAddress.get(address)).find((table) => table !== undefined);
  const pairs = networks.flatMap((network) => {
    const table = tableOf(network);
    return table === undefined || table === 'main' ? [] : [{ table, network }];
  });
  // Includes ENIs that no pod uses yet.
  const enis = rules.flatMap(({ priority, table }) =>
    priority === PRIORITY.fromEni && table !== null && table !== 'main' ? [table] : [],
  );
  return new Map([
    ...enis.map((table): [string, PodNetwork[]] => [table, []]),
    ...[...Map.groupBy(pairs, ({ table }) => table)].map(([table, all]): [string, PodNetwork[]] => [
      table,
      all.map(({ network }) => network),
    ]),
  ]);
}

function waysOut(table: string, { routes, links }: NetworkStack): Route[] {
  return routes.filter(
    (route) =>
      route.table === table &&
      route.type === 'unicast' &&
      prefixLength(route.destination) === 0 &&
      !route.flags.includes('dead') &&
      links.some(({ name, up }) => name === route.link && up),
  );
}

type Eni = { readonly link: Link; readonly gateway: string; readonly subnet: string };

/** Found by the rule for the ENI's own address; its router has the first address of the subnet. */
function eniOf(table: string, { rules, addresses, links }: NetworkStack): Eni | null {
  const own = rules
    .find((rule) => rule.priority === PRIORITY.fromEni && rule.table === table)
    ?.source.split('/')[0];
  const held = addresses.find(({ address }) => address === own);
  const link = links.find(({ name }) => name === held?.link);
  if (held === undefined || link === undefined || held.family !== 4) return null;
  const subnet = subnetOf(held.address, held.prefixLength);
  const [network = ''] = subnet.split('/');
  return { link, gateway: network.replace(/\d+$/, (last) => String(Number(last) + 1)), subnet };
}

/** The lengths that subnets of a VPC may have: with any other, the ENI's address does not tell its subnet. */
const SHORTEST = 16;
const LONGEST = 28;

function isRight({ link, gateway }: Route, eni: Eni, host: NetworkStack): boolean {
  if (link !== eni.link.name) return false;
  const length = prefixLength(eni.subnet);
  if (gateway === null || length < SHORTEST || length > LONGEST) return true;
  if (sameAddress(gateway, eni.gateway)) return true;
  // Where the node itself uses it as its router, it is one.
  return defaultRoutes(host, 4).some(
    (route) => route.gateway !== null && sameAddress(route.gateway, gateway),
  );
}

function remedyOf(table: string, eni: Eni | null, node: string): RemedyStep[] {
  if (eni === null) return [restartAgent(AWS_CNI, node)];
  const { link, gateway } = eni;
  const route = (...words: string[]) =>
    command('ip', 'route', 'replace', ...words, 'dev', link.name, 'table', table);
  return [
    lookOnNode(
      node,
      'check whether the link has its address.',
      command('ip', 'addr', 'show', 'dev', link.name),
    ),
    ...(link.up
      ? []
      : [repairOnNode(node, 'set the link up.', command('ip', 'link', 'set', link.name, 'up'))]),
    repairOnNode(
      node,
      `put the routes of ${link.name} back, as ipamd created them; no pod needs a restart.`,
      `${route(`${gateway}/32`, 'scope', 'link')} && ${route('default', 'via', gateway)}`,
    ),
  ];
}
