import { type Allocation, ipamObject, isHalfWritten, isOld } from '../../computed/addresses/allocations.ts';
import { addressKey, sameAddress } from '../../computed/cidr.ts';
import type { Ipam } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { counted, firstOf, listed, quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, pass, unknown } from '../define.ts';
import { drain } from '../remedies/node.ts';
import { releaseAddress } from '../remedies/release-address.ts';
import { command, look, lookOnNode, recreatePod, repair } from '../remedies/steps.ts';

/** Maximum number of entries of each kind that a finding names and repairs. */
const SHOWN = 10;

/** An ADD that died before it wrote its id leaves an empty file, which no DEL finds (plugins#498). */
export const ipamCorrupt = defineCheck({
  id: 'ipam-corrupt',
  topic: 'cni',
  severity: 'medium',
  title: 'The IPAM store can be read throughout',
  failureTitle: 'IPAM store has unreadable entries',
  why:
    'An entry without an owner is lost forever, because no DEL finds it. If ipamd cannot read its ' +
    'checkpoint, it does not start again, and no new pod can start on the node.',
  needs: ['ipam', 'pods'],
  run({ ipam, pods }, { node, now, settleSeconds }) {
    return ipam.map((store) => {
      const object = ipamObject(store, node);
      if (store.unread !== undefined) return unknown(object, store.unread);
      const empty = store.allocations.filter(
        (entry) => isHalfWritten(entry) && isOld(entry, now, settleSeconds.orphan),
      );
      // A half-written reservation may also be listed as a file; it is judged by its age.
      const halfWritten = new Set(
        store.allocations.filter(isHalfWritten).map(({ address }) => `${store.path}/${address}`),
      );
      const corrupt = store.corrupt.filter(({ path }) => !halfWritten.has(path));
      if (empty.length + corrupt.length === 0) return pass(object);
      const users = empty.flatMap(({ address }) =>
        pods.filter((pod) => !pod.hostNetwork && pod.podIPs.some((ip) => sameAddress(ip, address))),
      );
      const used = new Set(users.flatMap(({ podIPs }) => podIPs.map(addressKey)));
      const free = empty.filter(({ address }) => !used.has(addressKey(address)));
      const first = corrupt[0];
      return fail(object, {
        detail: [
          empty.length === 0
            ? ''
            : `${counted(empty.length, 'address', 'addresses')} reserved by nobody: ` +
              `${listed(empty.map(({ address }) => quote(address, 50)))}.`,
          first === undefined
            ? ''
            : `${counted(corrupt.length, 'file')} cannot be understood: ${listed(
                corrupt.map(({ path, reason }) => `${quote(path)}: ${quote(reason)}`),
                3,
                '; ',
              )}.`,
        ]
          .filter(Boolean)
          .join(' '),
        confidence: 'probable',
        ...(store.kind === 'aws' && first !== undefined ? { severity: 'high' as const } : {}),
        evidence: [
          ...rowsOf(empty, SHOWN, ({ address, modifiedAt }) => ({
            what: 'container id in the file',
            expected: 'the id of a sandbox',
            actual: `none, since ${modifiedAt ?? 'an unknown time'}`,
            source: `${store.path}/${quote(address, 50)}`,
          })),
          ...rowsOf(corrupt, SHOWN, ({ path, reason }) => ({
            what: 'content',
            expected: store.kind === 'aws' ? "ipamd's checkpoint" : 'a container id and an interface',
            actual: quote(reason),
            source: quote(path),
          })),
        ],
        remedy: remedyFor(store, { users, corrupt, free }, node),
      });
    });
  },
});

/** The repair of a store. `users` are the pods whose addresses are not reserved. */
function remedyFor(
  store: Ipam,
  { users, corrupt, free }: { users: readonly Pod[]; corrupt: Ipam['corrupt']; free: readonly Allocation[] },
  node: string,
): RemedyStep[] {
  if (store.kind === 'aws') {
    return [
      drain(node, 'Its content is never edited by hand. Move the pods away.'),
      repair('Then replace the node.'),
    ];
  }
  return [
    ...firstOf(
      users,
      SHOWN,
      (pod) => [
        look(`${namespacedName(pod)} uses such an address: it goes before the entry does.`),
        ...recreatePod(pod),
      ],
      likewise,
    ),
    ...firstOf(
      corrupt,
      SHOWN,
      ({ path }) =>
        lookOnNode(
          node,
          'look at what is in the file; move it away only if no pod has its address.',
          command('head', '-c', '300', '--', path),
        ),
      likewise,
    ),
    ...firstOf(free, SHOWN, (entry) => releaseAddress(store, entry, node), likewise),
  ];
}

function likewise(left: number): RemedyStep {
  return look(`Likewise the other ${left}: the next audit names them.`);
}
