import {
  baseName,
  contents,
  hostEnds,
  liveHolders,
  ownershipOf,
  ownLinks,
  podContainerIds,
  sandboxesByInode,
} from '../../computed/pods/ownership.ts';
import { tooYoung } from '../../computed/pods/pin-age.ts';
import type { Holder, NetworkNamespace } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { canonicalPath } from '../../model/path.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, type Outcome, pass, unknown } from '../define.ts';
import { lookOnNode, repair } from '../remedies/steps.ts';

const LOOKED_AT = 5;

/** Its sandbox is gone, but a process or open descriptor keeps the namespace alive (namespaces(7)). */
export const namespaceHeld = defineCheck({
  id: 'namespace-held',
  topic: 'namespaces',
  severity: 'low',
  title: 'No process keeps the namespace of a pod that is gone',
  failureTitle: 'Process keeps a namespace without a pod alive',
  why:
    'A namespace lives as long as a process, a thread or an open descriptor refers to it. An agent that ' +
    'forgets to close its descriptors leaks one namespace for every pod that ever ran, with all its ' +
    'links and addresses.',
  observations: 2,
  needs: ['namespaces', 'pins', 'sandboxes', 'pods', 'host'],
  run({ namespaces, pins, sandboxes, pods, host }, context) {
    const { node } = context;
    if (sandboxes.length === 0) return [unknown(nodeObject(node), 'no sandbox of the runtime could be read')];
    const owners = sandboxesByInode({ namespaces, pins, sandboxes });
    const podContainers = podContainerIds(sandboxes);
    const pinsByPath = new Map(pins.toReversed().map((pin) => [canonicalPath(pin.path), pin]));
    const byHolder = new Map<string, NetworkNamespace[]>();
    const outcomes: Outcome[] = [];
    for (const namespace of namespaces) {
      const ownership = ownershipOf(namespace, owners, podContainers);
      const path = namespace.pins[0];
      const name = path === undefined ? (liveHolders(namespace)[0]?.command ?? 'mount') : baseName(path);
      const object = { kind: 'namespace', name, node, ...(path === undefined ? {} : { path }) } as const;
      if (ownership.kind !== 'held') {
        if (ownership.kind === 'foreign') outcomes.push(notApplicable(object, ownership.reason));
      } else if (isPrivateService(namespace)) {
        outcomes.push(
          notApplicable(object, `a process of the node with an empty network of its own (PrivateNetwork=)`),
        );
      } else if (path !== undefined) {
        // While a plugin sets up a pod's network, it holds the namespace before the sandbox is recorded.
        const pin = pinsByPath.get(canonicalPath(path));
        const young = pin === undefined ? null : tooYoung(pin, { pods, sandboxes }, context);
        if (young !== null) outcomes.push(notApplicable(object, young));
        else outcomes.push(fail(object, failure([namespace], host.networkNamespace, node)));
      } else {
        const held = byHolder.get(name);
        if (held === undefined) byHolder.set(name, [namespace]);
        else held.push(namespace);
      }
    }
    for (const [name, held] of byHolder) {
      outcomes.push(fail({ kind: 'namespace', name, node }, failure(held, host.networkNamespace, node)));
    }
    const clean = outcomes.every(({ result }) => result !== 'fail');
    return clean ? [...outcomes, pass(nodeObject(node))] : outcomes;
  },
});

/** systemd's PrivateNetwork=, rtkit, sandboxed helpers: a process of the node that wants no network. */
function isPrivateService(namespace: NetworkNamespace): boolean {
  const holders = liveHolders(namespace);
  const links = ownLinks(namespace);
  return (
    namespace.pins.length === 0 &&
    links !== null &&
    links.length === 0 &&
    holders.every((holder) => holder.containerId === null) &&
    holders.some((holder) => holder.via === 'process')
  );
}

function failure(held: readonly NetworkNamespace[], hostInode: number, node: string) {
  const holders = held.flatMap(liveHolders);
  const leaks = held.some((namespace) => hostEnds(namespace, hostInode).length > 0);
  const which = listed(
    held.map(({ inode }) => `net:[${inode}]`),
    5,
  );
  return {
    detail: `${held.length === 1 ? 'A network namespace' : `${held.length} network namespaces`} (${which}) of no sandbox ${held.length === 1 ? 'is' : 'are'} kept alive by ${describe(holders)}; holding ${listed(
      held.map((namespace) => contents(namespace, hostInode)),
      5,
      '; ',
    )}.`,
    confidence: leaks || holders.some(({ containerId }) => containerId !== null) ? 'probable' : 'suspected',
    severity: leaks ? 'medium' : 'low',
    evidence: [
      { what: 'holders', actual: describe(holders), source: '/proc/*/task/*/ns/net, /proc/*/fd' },
      {
        what: 'sandbox of the namespace',
        expected: 'one',
        actual: 'none',
        source: "the runtime's sandbox specs",
      },
    ],
    remedy: remedy(holders, node),
  } as const;
}

function describe(holders: readonly Holder[]): string {
  return listed(
    holders.map((holder) => `${holder.command} (pid ${holder.pid}, ${holder.via})`),
    5,
  );
}

function remedy(holders: readonly Holder[], node: string): RemedyStep[] {
  const pids = [...new Set(holders.map(({ pid }) => pid))];
  const left = pids.length - LOOKED_AT;
  return [
    lookOnNode(
      node,
      `find out whose process it is${left > 0 ? ` (${left} more are not in the command)` : ''}`,
      `head -n 20 ${pids
        .slice(0, LOOKED_AT)
        .map((pid) => `/proc/${pid}/cgroup`)
        .join(' ')}`,
    ),
    repair(
      'Restart that service, or delete the pod of that agent so that it restarts: the kernel frees the ' +
        'namespace with its last holder. Do not unmount or delete links by hand while it lives.',
    ),
  ];
}
