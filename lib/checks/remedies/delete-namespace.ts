/**
 * Deletes a namespace that nothing uses: checks every precondition first, and refuses if anything changed
 * meanwhile.
 */

import { baseName } from '../../computed/pods/ownership.ts';
import type { Sandbox } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { amongMounts } from './among-mounts.ts';
import { command, look, lookOnNode, repairOnNode } from './steps.ts';

/** The same places that the probe searches: leaving one out would make the question worthless. */
const SANDBOX_SPECS = [
  ...['/run', '/run/k3s', '/run/k0s', '/var/snap/microk8s/common/run'].map(
    (state) => `${state}/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json`,
  ),
  '/var/lib/containers/storage/*-containers/*/userdata/config.json',
  '/var/lib/docker/containers/*/config.v2.json',
].join(' ');

const CNI_RESULTS = '/var/lib/cni/results/* /var/lib/cni/cache/results/* /run/cni/results/*';

/**
 * How many sandboxes to look for among the specs: at least one must be found. The oldest are taken, as they
 * are the most likely to stay.
 */
const KNOWN_SANDBOXES = 3;

/** Lists every process, thread and descriptor of the namespace; prints nothing if there is none. */
function findHolders(inode: number): string {
  return `find /proc/[0-9]*/task/[0-9]*/ns/net /proc/[0-9]*/fd -lname 'net:\\[${inode}\\]' 2>/dev/null`;
}

/**
 * Lists the specs of sandboxes and containers that name the pin. If the runtime keeps its state elsewhere,
 * these places are empty, which must not look as if no spec named the pin: so the specs of known sandboxes
 * must be found there.
 */
function findSpecs(name: string, sandboxes: readonly Sandbox[]): string {
  const known = sandboxes.map(({ id }) => `-e ${command(id)}`);
  const found = `ls ${SANDBOX_SPECS} 2>/dev/null | grep -qF ${known.join(' ') || '-e /'}`;
  return `{ ${found} || echo 'the specs of the sandboxes are not where they are looked for'; grep -lsF -e ${name} ${SANDBOX_SPECS}; }`;
}

/** Known sandboxes, which show where the specs are. */
export function oldestSandboxes(sandboxes: readonly Sandbox[]): Sandbox[] {
  return sandboxes
    .filter(({ state }) => state === 'ready')
    .toSorted((a, b) => bornAt(a) - bornAt(b))
    .slice(0, KNOWN_SANDBOXES);
}

function bornAt({ createdAt }: Sandbox): number {
  return Date.parse(createdAt ?? '9999-12-31');
}

/**
 * @param sandboxes - the node's oldest sandboxes, which show where the specs are
 * @param physical - devices of the node trapped inside; deleting the namespace without moving them out loses
 * their names
 * @param hostLinks - the node's links that must be gone afterwards
 */
export function deleteNamespace(
  node: string,
  pin: { readonly path: string; readonly inode: number },
  sandboxes: readonly Sandbox[],
  physical: readonly string[],
  hostLinks: readonly string[],
): RemedyStep[] {
  const path = command(pin.path);
  const name = command(baseName(pin.path));
  const among = amongMounts([pin.path]);
  const inSpecs = findSpecs(name, sandboxes);
  const inResults = `grep -lsF -e ${name} ${CNI_RESULTS}`;
  const holders = findHolders(pin.inode);
  return [
    look(
      'Delete it only if all of this holds: the runtime answers; two audits at least a minute apart saw ' +
        'it; it is older than a quarter of an hour; no pod of the node is being created; and every command ' +
        'below that must print nothing does so.',
    ),
    lookOnNode(node, 'no sandbox and no container refers to it (must print nothing)', inSpecs),
    lookOnNode(node, 'no process, thread or descriptor is in it (must print nothing)', holders),
    lookOnNode(
      node,
      'no CNI result refers to it (must print nothing; else let the plugin release it first: CNI DEL with the cached configuration)',
      inResults,
    ),
    lookOnNode(
      node,
      'keep what it holds',
      `${among} nsenter --net=${path} sh -c 'ip -d addr; ip route show table all; ip rule; ip neigh; ss ` +
        `-tanup' > ${command(`/var/log/netns-${baseName(pin.path)}.txt`)}`,
    ),
    ...physical.map((device) =>
      repairOnNode(
        node,
        `give ${device} back to the node first`,
        `${among} nsenter --net=${path} ip link set ${command(device)} netns 1`,
      ),
    ),
    repairOnNode(
      node,
      'unmount and remove the pin: it does nothing unless this still is the namespace, nobody is in it and nothing refers to it',
      `test "$(${among} stat -L -c %i ${path})" = ${pin.inode} && test -z "$(${holders}; ${inSpecs}; ` +
        `${inResults})" && ${among} umount ${path} && ${among} rm ${path}`,
    ),
    ...hostLinks.map((link) =>
      lookOnNode(
        node,
        `${link} must be gone now; if it stays, a hidden socket holds the namespace (namespace-hidden): stop here`,
        `ip link show ${command(link)}`,
      ),
    ),
  ];
}
