import { addressRows, lostOf } from '../../computed/addresses/lost-addresses.ts';
import { contains, familyOf, sameAddress } from '../../computed/cidr.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

const SHOWN = 5;

/** Kernel and API disagree; the CNI result says which of them is wrong (kubernetes#69925, amazon-vpc-cni-k8s#2352). */
export const podAddressMismatch = definePodCheck({
  id: 'pod-address-mismatch',
  topic: 'addresses',
  severity: 'critical',
  title: 'The pod holds the address that the API shows',
  failureTitle: "Pod's address differs from the API",
  why:
    "Services, DNS and network policies use the API's address: traffic for the pod goes nowhere or to " +
    "another pod, and the pod's own traffic comes from an address that may be another's.",
  needs: ['podNetworks'],
  unless: ['namespace unread'],
  judge(network, { podNetworks }) {
    const lost = lostOf(network, podNetworks);
    if (typeof lost === 'string') return lost;
    const replaced = lost.filter(({ instead }) => instead.length > 0);
    if (replaced.length === 0) {
      if (lost.length > 0) return 'the interface has no such address at all: see pod-address-missing';
      const wrong = routesFromOthers(network);
      return wrong.length === 0 ? 'pass' : sendsFromOther(network, wrong);
    }
    const given = (network.results[0]?.addresses ?? []).map(({ address }) => address);
    const said = replaced.map(({ address, instead }) => {
      const held = instead.map((each) => each.address);
      const wrong = given.some((one) => sameAddress(one, address))
        ? ' The CNI plugin set up what the API shows: somebody changed it since.'
        : given.some((one) => held.some((each) => sameAddress(one, each)))
          ? ' The CNI plugin set up what the interface holds: the API is wrong.'
          : '';
      return (
        `${network.interface} holds ${held.join(', ')}, but the IPv${familyOf(address)} address of the pod ` +
        `in the API is ${address}.${wrong}`
      );
    });
    return {
      detail: said.join(' '),
      confidence: 'confirmed',
      evidence: addressRows(network),
      remedy: recreatePod(network.pod),
    };
  },
});

type ReadNetwork = PodNetwork & { readonly stack: NetworkStack };

/** What the API shows, and what the CNI plugin set up. */
const ownOf = ({ pod, results }: ReadNetwork): string[] => [
  ...new Set([...pod.podIPs, ...(results[0]?.addresses ?? []).map(({ address }) => address)]),
];

/**
 * Routes by which the pod leaves its interface with an address that is neither its own nor beside its own: to any other,
 * answers find no way, unless somebody routes it on purpose.
 */
function routesFromOthers(network: ReadNetwork): Route[] {
  const { pod, stack, interface: link } = network;
  // Init containers set such routes too, for an address that they announce.
  if (pod.containers.some(({ netAdmin }) => netAdmin)) return [];
  const own = ownOf(network);
  const subnets = mainAddresses(network)
    .filter((held) => own.some((address) => sameAddress(address, held.address)))
    .map((held) => `${held.address}/${held.prefixLength}`);
  return stack.routes.filter(
    ({ family, table, type, link: by, from, scope }) =>
      table === 'main' &&
      type === 'unicast' &&
      by === link &&
      from != null &&
      // The kernel adds one for each address that it is given.
      scope !== 'link' &&
      own.some((address) => familyOf(address) === family) &&
      !own.some((address) => sameAddress(address, from)) &&
      !subnets.some((subnet) => contains(subnet, from)),
  );
}

function sendsFromOther(network: ReadNetwork, wrong: readonly Route[]) {
  const given = (families: readonly number[]) =>
    ownOf(network).filter((address) => families.includes(familyOf(address)));
  const shown = wrong.map((route) => ({ route, text: `${routeText(route)} src ${route.from}` }));
  return {
    detail:
      `What the pod sends by ${listed(
        shown.map(({ text }) => text),
        SHOWN,
      )} does not come from its own address ` +
      `${given(wrong.map(({ family }) => family)).join(', ')}, so answers may go elsewhere.`,
    // Somebody may route that address to the pod.
    confidence: 'probable' as const,
    evidence: [
      ...rowsOf(shown, SHOWN, ({ route, text }) => ({
        what: `source of the route to ${route.destination}`,
        expected: `none, or ${given([route.family]).join(' or ')}`,
        actual: text,
        source: `ip -${route.family} route (netns ${network.namespace})`,
      })),
      ...addressRows(network),
    ],
    remedy: recreatePod(network.pod),
  };
}
