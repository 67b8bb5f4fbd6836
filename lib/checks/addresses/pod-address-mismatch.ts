import { addressRows, lostOf } from '../../computed/addresses/lost-addresses.ts';
import { familyOf, sameAddress } from '../../computed/cidr.ts';
import { mayChangeNetwork } from '../../computed/preconditions.ts';
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

/** Routes by which the pod leaves its interface with an address that nobody gave to it. */
function routesFromOthers({ pod, stack, results, interface: link }: ReadNetwork): Route[] {
  if (pod.containers.some(mayChangeNetwork)) return [];
  const own = [...pod.podIPs, ...(results[0]?.addresses ?? []).map(({ address }) => address)];
  return stack.routes.filter(
    ({ table, type, link: by, from, scope }) =>
      table === 'main' &&
      type === 'unicast' &&
      by === link &&
      from != null &&
      // The kernel adds one for each address that it is given.
      scope !== 'link' &&
      !own.some((address) => sameAddress(address, from)),
  );
}

function sendsFromOther(network: ReadNetwork, wrong: readonly Route[]) {
  const shown = wrong.map((route) => ({ route, text: `${routeText(route)} src ${route.from}` }));
  return {
    detail:
      `What the pod sends by ${listed(
        shown.map(({ text }) => text),
        SHOWN,
      )} does not come from its own address ` + `${network.pod.podIPs.join(', ')}, so answers go elsewhere.`,
    confidence: 'confirmed' as const,
    evidence: [
      ...rowsOf(shown, SHOWN, ({ route, text }) => ({
        what: `source of the route to ${route.destination}`,
        expected: `none, or ${network.pod.podIPs.join(' or ')}`,
        actual: text,
        source: `ip -${route.family} route (netns ${network.namespace})`,
      })),
      ...addressRows(network),
    ],
    remedy: recreatePod(network.pod),
  };
}
