import { addressBits, addressKey, familyOf, prefixLength, sameAddress } from '../../computed/cidr.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { hostLinkPrefixes } from '../../model/cni-plugins.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { Link, Route } from '../../model/network.ts';
import type { Repair } from '../../model/repair.ts';
import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** No namespace has the route's address: the next pod with that address will be unreachable (calico#3467). */
export const hostRouteStale = defineCheck({
  id: 'host-route-stale',
  topic: 'routes',
  severity: 'medium',
  title: "The node's routes to pods lead to addresses that pods hold",
  failureTitle: 'Node has a route to an unused address',
  why:
    'Another pod may get the address, here or on another node. Then this node still sends to the old ' +
    'link, or the plugin refuses to set up the new pod ("route already exists").',
  observations: 2,
  needs: ['hostNetwork', 'namespaces', 'hiddenNamespaces', 'pods'],
  run({ hostNetwork, namespaces, hiddenNamespaces, pods }, { node }) {
    const held = new Set(
      namespaces.flatMap(({ stack }) =>
        stack.status === 'present' ? stack.value.addresses.map(({ address }) => addressKey(address)) : [],
      ),
    );
    const unread = namespaces.some(({ stack }) => stack.status !== 'present');
    const inodes = new Set(namespaces.map(({ inode }) => inode));
    const hiddenLinks = new Set(hiddenNamespaces.flatMap((hidden) => hidden.links));
    const links = new Map(hostNetwork.links.map((link) => [link.name, link]));
    return hostNetwork.routes.flatMap((route) => {
      const link = route.link === null ? undefined : links.get(route.link);
      if (link === undefined || !isPodRoute(route, link)) return [];
      const address = route.destination.split('/')[0] ?? '';
      const object = { kind: 'address', name: address, node, path: link.name } as const;
      if (held.has(addressKey(address))) return [pass(object)];
      // A terminating or new pod, one whose runtime keeps the address itself, or a floating address of
      // Calico.
      const named = pods.find(
        (pod) =>
          pod.podIPs.some((ip) => sameAddress(ip, address)) ||
          Object.values(pod.annotations).some((text) => text.includes(address)),
      );
      if (named !== undefined) {
        return [notApplicable(object, `${namespacedName(named)} has this address in the API`)];
      }
      if (hiddenLinks.has(link.name)) {
        return [notApplicable(object, 'it leads to a namespace that nothing names: see namespace-hidden')];
      }
      if (cameOrWent(link, inodes)) {
        return [notApplicable(object, 'its link, or the namespace behind that, came or went meanwhile')];
      }
      if (unread || link.peer?.status === 'unknown') {
        return [unknown(object, 'a namespace that may hold this address could not be read')];
      }
      return [
        fail(object, {
          detail:
            `The node routes ${address} to ${link.name}, but no network namespace on the node holds that ` +
            'address, and no pod has it in the API.',
          confidence: 'confirmed',
          evidence: [
            {
              what: 'route of the node',
              expected: 'none',
              actual: routeText(route),
              source: 'ip route show table main (node)',
            },
            {
              what: `namespaces that hold ${address}`,
              actual: `none of ${namespaces.length}`,
              source: 'ip addr (all network namespaces)',
            },
          ],
          remedy: [
            lookOnNode(
              node,
              'make sure that it is still unused: no pod has the address, and the plugin did not just set it up.',
              command('ip', 'route', 'get', address),
            ),
            repairOnNode(
              node,
              'then remove it.',
              command(
                ...['ip', ...(familyOf(address) === 6 ? ['-6'] : []), 'route', 'del'],
                ...[route.destination, 'dev', link.name],
              ),
            ),
          ],
          repair: repairOf(route, link, address),
        }),
      ];
    });
  },
});

/** A pod leaves the API before its namespace is deleted, so for a while its route has no owner and is no fault. */
function cameOrWent({ peer }: Link, inodes: ReadonlySet<number>): boolean {
  if (peer === null || peer.status === 'unknown') return false;
  return peer.status === 'unsettled' || (peer.namespace !== null && !inodes.has(peer.namespace));
}

/** A route to one address through a link that a CNI plugin created. */
function isPodRoute(route: Route, link: Link): boolean {
  return (
    route.type === 'unicast' &&
    route.table === 'main' &&
    route.gateway === null &&
    prefixLength(route.destination) === addressBits(route.destination) &&
    link.kind === 'veth' &&
    link.master === null &&
    hostLinkPrefixes.some((prefix) => link.name.startsWith(prefix))
  );
}

/** The tool deletes only what plugins add with no more than a link and a scope. Cilium's routes have protocol kernel. */
function repairOf(route: Route, link: Link, address: string): Repair | null {
  if (route.protocol !== 'boot') return null;
  const { name, index } = link;
  const scope = isScope(route.scope) ? route.scope : 'global';
  return {
    kind: 'delete-routes',
    objects: [{ what: 'stale-route', link: { name, index }, address, scope }],
  };
}

/** The kernel's own word for all others is global, which plugins never use for a route to a pod of IPv4. */
function isScope(scope: string | null): scope is 'host' | 'link' {
  return scope === 'host' || scope === 'link';
}
