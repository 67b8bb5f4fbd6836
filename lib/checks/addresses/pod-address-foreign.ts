import { addressKey } from '../../computed/cidr.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { foreignAddresses, type Owner, usedAddresses } from '../../computed/routes/foreign-addresses.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, recreatePod, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/**
 * The kernel answers ARP for an address on whichever link the pod has it, and delivers what is for it to the pod itself.
 * Addresses of pods are left to pod-address-duplicate.
 */
export const podAddressForeign = definePodCheck({
  id: 'pod-address-foreign',
  topic: 'addresses',
  severity: 'critical',
  title: 'The pod holds no address of a node, a gateway or the cluster DNS',
  failureTitle: "Pod holds a node's or a gateway's address",
  why:
    "What the pod sends to the address stays in the pod. If it is its gateway's or its node's, replies to its own node, " +
    'such as those to health checks, are lost too. Behind a bridge, the pod also answers ARP for it: other pods send ' +
    'their packets for the gateway to this pod.',
  needs: ['podNetworks', 'node', 'otherNodes', 'clusterDns', 'hostNetwork'],
  unless: ['namespace unread', networkElsewhere],
  facts: (sources) => ({ owners: foreignAddresses(sources) }),
  judge(network, { owners }, { node }) {
    const { pod, sandbox } = network;
    const own = new Set(pod.podIPs.map(addressKey));
    const held = usedAddresses(network).flatMap((address) => {
      const owner = owners.get(addressKey(address.address));
      // A kubelet that itself runs in a pod reports the address of that pod as its node's.
      const isOwn = owner?.what === 'other-node' && own.has(addressKey(address.address));
      return owner === undefined || isOwn ? [] : [{ ...address, owner }];
    });
    if (held.length === 0) return 'pass';
    const path = sandbox.namespacePath;
    const given = held.some(({ address }) => own.has(addressKey(address)));
    const onPurpose = pod.containers.some(mayChangeNetwork);
    const cuts = held.some(({ owner: { what } }) => what === 'gateway' || what === 'node');
    return {
      detail: `The pod holds ${listed(
        held.map(({ address, link, owner }) => `${address} on ${link}, which is ${owner.name}`),
        5,
      )}.`,
      // Whoever may change the network of its pod may have added it on purpose.
      confidence: onPurpose ? 'probable' : 'confirmed',
      ...(cuts ? {} : { severity: 'high' as const }),
      evidence: rowsOf(held, SHOWN, ({ address, prefixLength, link, owner }) => ({
        what: `addresses of ${link}`,
        expected: pod.podIPs.join(', '),
        actual: `${address}/${prefixLength}: ${owner.name}`,
        source: `ip addr (netns ${network.namespace}); ${sourceOf[owner.what]}`,
      })),
      // It would add the address again.
      ...(onPurpose ? { repair: null } : {}),
      remedy:
        path === null || given
          ? recreatePod(pod)
          : [
              ...held
                .slice(0, SHOWN)
                .map(({ address, prefixLength, link }) =>
                  repairOnNode(
                    node,
                    'delete the address from the pod, which keeps running.',
                    command(
                      ...['nsenter', `--net=${path}`, 'ip', 'addr', 'del', `${address}/${prefixLength}`],
                      ...['dev', link],
                    ),
                  ),
                ),
              ...(held.length > SHOWN
                ? [repair(`Likewise the other ${held.length - SHOWN}: the next audit names them.`)]
                : []),
            ],
    };
  },
});

const sourceOf: Record<Owner['what'], string> = {
  gateway: 'CNI result cache',
  node: 'API: node.status.addresses',
  'other-node': 'API: node.status.addresses',
  dns: 'API: service.spec.clusterIPs',
};
