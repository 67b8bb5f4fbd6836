import { createHash } from 'node:crypto';
import {
  type Allocation,
  ipamObject,
  isHalfWritten,
  isOld,
  notOfPods,
} from '../../computed/addresses/allocations.ts';
import { addressKey, sameAddress } from '../../computed/cidr.ts';
import { ofPassingPod } from '../../computed/pods/passing-pods.ts';
import { CALICO_CONTROLLERS } from '../../model/cni-names.ts';
import type { Ipam, Sources } from '../../model/evidence.ts';
import { type LeakedAllocation, UNREAD_NAMESPACES } from '../../model/leaked-allocation.ts';
import { allowedRepair, type Repair } from '../../model/repair.ts';
import { counted, firstOf, listed, quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { releaseAddress } from '../remedies/release-address.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, look, repair } from '../remedies/steps.ts';

/** Where host-local keeps the records of a network. */
const HOST_LOCAL = /^\/(?:var\/lib|run)\/cni\/networks\/([^/]+)$/;
/** If more than this share of a range is used, its leaks will soon keep new pods from starting. */
const NEARLY_FULL = 0.9;
/** Maximum number of leaks that a finding names with their container and frees. */
const SHOWN = 10;
/** Most addresses that the repair of one finding names. */
const MOST = 100;

/**
 * After a reboot or a failed DEL, nothing frees the address: the store is a plain file (containerd/cri#948),
 * or in the API.
 */
export const ipamLeaked = defineCheck({
  id: 'ipam-leaked',
  topic: 'cni',
  severity: 'medium',
  title: 'Every address that is taken belongs to a sandbox',
  failureTitle: 'Sandboxes that are gone still hold addresses',
  why:
    'Nobody frees such an address. They add up with every crash and reboot, until the range is used up ' +
    'and no new pod on the node gets an address.',
  observations: 2,
  needs: ['ipam', 'sandboxes', 'pods', 'cniConfig', 'cniResults', 'hostNetwork', 'namespaces'],
  run(
    { ipam, sandboxes, pods, cniConfig, cniResults, hostNetwork, namespaces },
    { node, now, settleSeconds },
  ) {
    const ids = new Set(sandboxes.map(({ id }) => id));
    const linkEnds = new Set(hostNetwork.links.map(({ name }) => name.slice(-HASH)));
    const podAddresses = new Set(pods.flatMap((pod) => (pod.hostNetwork ? [] : pod.podIPs)).map(addressKey));
    return ipam.map((store) => {
      const object = ipamObject(store, node);
      if (store.unread !== undefined) return unknown(object, store.unread);
      if (ids.size === 0) return unknown(object, 'no sandbox is known on the node, not even our own');
      const foreign = notOfPods(store, sandboxes, cniConfig, cniResults);
      if (foreign !== null) return notApplicable(object, foreign);
      const unowned = store.allocations.filter(
        (allocation) =>
          !isHalfWritten(allocation) &&
          allocation.otherNode === undefined &&
          !ids.has(allocation.containerId) &&
          // One pod uses it while the store gives it to another: that is ipam-conflict, and freeing it would
          // create a duplicate.
          !podAddresses.has(addressKey(allocation.address)) &&
          !(store.kind === 'aws' && hasHostLink(allocation, linkEnds)),
      );
      const leaked = unowned.filter(
        (allocation) =>
          isOld(allocation, now, settleSeconds.orphan) &&
          ofPassingPod(ageOf(allocation, now), { pods, sandboxes }, now) === null,
      );
      if (leaked.length === 0) {
        // Not a pass: an audit that waits longer must not resolve what one without settle time found.
        return unowned.length === 0
          ? pass(object)
          : notApplicable(
              object,
              `${counted(unowned.length, 'entry', 'entries')} of no sandbox, too young to be judged or perhaps of a pod on its way`,
            );
      }
      const full = store.capacity !== null && store.allocations.length >= store.capacity * NEARLY_FULL;
      const addresses = leaked.map(({ address }) => quote(address, 50));
      return fail(object, {
        detail:
          `${counted(leaked.length, 'address', 'addresses')} of ${store.allocations.length} taken in ` +
          `${quote(store.network, 60)} ${leaked.length === 1 ? 'belongs' : 'belong'} to no sandbox in any ` +
          `state: ${listed(addresses)}.`,
        confidence: 'confirmed',
        ...(full ? { severity: 'high' as const } : {}),
        evidence: [
          ...rowsOf(leaked, SHOWN, (allocation) => ({
            what: `taken by container, ${allocation.modifiedAt === null ? 'time not known' : `since ${allocation.modifiedAt}`}`,
            expected: 'the id of a sandbox',
            actual: quote(allocation.containerId, 80),
            source:
              `${store.path}${allocation.block === undefined ? '' : `/${quote(allocation.block, 60)}`} ` +
              `(${quote(allocation.address, 50)})`,
          })),
          {
            what: 'sandboxes of the node, ready and stopped',
            actual: `${ids.size}, none with these ids`,
            source: "the runtime's sandboxes",
          },
          ...(store.kind === 'calico' ? unreadOf(namespaces) : []),
        ],
        remedy: remedy(store, leaked, node),
        repair: repairOf(store, leaked, { namespaces, cniResults }),
      });
    });
  },
});

const ageOf = ({ modifiedAt }: Allocation, now: number) =>
  modifiedAt === null ? 0 : (now - Date.parse(modifiedAt)) / 1000;

/** The hexadecimal hash at the end of the link names that ipamd gives. */
const HASH = 11;

/** ipamd itself drops entries of pods whose link is gone, so an entry whose link exists is in use (data_store.go). */
function hasHostLink({ pod }: Allocation, linkEnds: ReadonlySet<string>): boolean {
  const [namespace, name] = pod?.split('/') ?? [];
  if (namespace === undefined || name === undefined) return false;
  const hash = createHash('sha1').update(`${namespace}.${name}`).digest('hex').slice(0, HASH);
  return linkEnds.has(hash);
}

function remedy(store: Ipam, leaked: readonly Allocation[], node: string) {
  if (store.kind === 'aws') {
    return [
      repair(
        'Restart the agent: on start it drops entries of pods without a link. Its checkpoint is never edited by hand.',
      ),
      restartAgent(store.network, node),
    ];
  }
  if (store.kind === 'calico') return remedyOfCalico(leaked);
  const shown = leaked.slice(0, SHOWN);
  return [
    look(
      `On node ${node}, as root: make sure that the runtime knows none of the ids (it must say so), and ` +
        'that the entries are older than a quarter of an hour.',
      'ids=$(crictl pods --no-trunc -q 2>/dev/null || ctr -n k8s.io containers list -q) && ! printf ' +
        `'%s\\n' "$ids" | ${command('grep', '-F', ...shown.flatMap(({ containerId }) => ['-e', containerId]))}` +
        ` && echo 'the runtime knows none of them'`,
    ),
    ...firstOf(
      leaked,
      SHOWN,
      (allocation) => releaseAddress(store, allocation, node),
      (left) => repair(`Likewise the other ${left}: the next audit names them.`),
    ),
  ];
}

type OnNode = Pick<Sources, 'namespaces' | 'cniResults'>;

function repairOf(store: Ipam, leaked: readonly Allocation[], onNode: OnNode): Repair | null {
  if (store.kind === 'aws') return agentRepair(store.network);
  if (store.kind === 'calico') return repairOfCalico(leaked, onNode);
  const [, network] = HOST_LOCAL.exec(store.path) ?? [];
  if (network === undefined) return null;
  const records = leaked
    .slice(0, SHOWN)
    .map(({ address, containerId: container }) => ({ network, address, container }))
    .filter((record) => allowedRepair({ kind: 'release-addresses', records: [record] }) !== null);
  return { kind: 'release-addresses', records };
}

function repairOfCalico(leaked: readonly Allocation[], onNode: OnNode): Repair | null {
  const allocations = leaked.flatMap((allocation) => {
    const { address, containerId: container, block = '' } = allocation;
    const [namespace = '', name = ''] = allocation.pod?.split('/') ?? [];
    const leakedOne = { block, address, container, pod: { namespace, name }, use: useOf(allocation, onNode) };
    const own = allowedRepair({ kind: 'release-allocations', allocations: [leakedOne] });
    return own?.kind === 'release-allocations' ? own.allocations : [];
  });
  return allocations.length === 0
    ? null
    : { kind: 'release-allocations', allocations: allocations.slice(0, MOST) };
}

function unreadOf(namespaces: OnNode['namespaces']) {
  const unread = namespaces.flatMap(({ inode, pins: [pin], stack }) =>
    stack.status === 'present' ? [] : [`${inode} (${pin === undefined ? 'no pin' : quote(pin, 100)})`],
  );
  return unread.length === 0
    ? []
    : [{ what: UNREAD_NAMESPACES, actual: listed(unread), source: 'the network namespaces of the node' }];
}

/** What on the node speaks against giving the address to another pod. */
function useOf(
  { address, containerId }: Allocation,
  { namespaces, cniResults }: OnNode,
): LeakedAllocation['use'] {
  const isIt = (each: { readonly address: string }) => sameAddress(each.address, address);
  if (namespaces.some(({ stack }) => stack.status === 'present' && stack.value.addresses.some(isIt)))
    return 'namespace';
  if (cniResults.some((result) => result.containerId === containerId || result.addresses.some(isIt)))
    return 'result';
  return namespaces.some(({ stack }) => stack.status !== 'present') ? 'unread' : null;
}

function remedyOfCalico(leaked: readonly Allocation[]) {
  return [
    look(
      'See whether calico-kube-controllers runs: it frees such addresses after a quarter of an hour.',
      command('kubectl', 'get', 'pods', '-A', '-l', CALICO_CONTROLLERS),
    ),
    ...firstOf(
      leaked,
      SHOWN,
      ({ address, pod }) =>
        repair(
          `Free ${quote(address, 50)}, which ${pod === null ? 'a pod' : quote(pod, 80)} had.`,
          command('calicoctl', 'ipam', 'release', `--ip=${address}`),
        ),
      (left) => repair(`Likewise the other ${left}: the next audit names them.`),
    ),
  ];
}
