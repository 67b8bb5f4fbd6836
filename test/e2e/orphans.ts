/**
 * Orphaned namespaces as a crashed runtime leaves them, and others that only look like orphans, created on a
 * node with its own programs.
 */
import { inNodeNetwork, onNode } from './cluster.ts';

/** A runtime's name for the pin of that number. */
export const pin = (number: number): string =>
  `cni-e2e0a11e-0000-4000-8000-${String(number).padStart(12, '0')}`;

const functions = `
mkdir -p /run/e2e
pin() { printf 'cni-e2e0a11e-0000-4000-8000-%012d' "$1"; }
path() { printf '/run/netns/%s' "$(pin "$1")"; }
stay() { setsid "$@" </dev/null >/dev/null 2>&1 & echo $! >>/run/e2e/holders; }
`;

/**
 * The node's network configuration, as plugins and their cached results have it: its first plugin, and all of
 * it in base64.
 */
const configuration = `
cd /proc/1/root/etc/cni/net.d; file=$(ls | grep conflist | sort | head -n 1); mkdir -p /proc/1/root/run/e2e
jq -c '.plugins[0] + {name, cniVersion}' "$file" >/proc/1/root/run/e2e/plugin.json
base64 -w 0 "$file" >/proc/1/root/run/e2e/base64
jq -r .name "$file" >/proc/1/root/run/e2e/name`;

/**
 * Creates \`count\` orphans, numbered from 1. Of every three, one is empty, one has the pair of a former pod,
 * and one has everything that the node's plugins create for a pod, with the result that the runtime keeps.
 */
export async function makeOrphans(node: string, count: number): Promise<void> {
  await inNodeNetwork(node, configuration);
  await onNode(
    node,
    `${functions}
name=$(cat /run/e2e/name) config=$(cat /run/e2e/base64) number=1
while [ $number -le $COUNT ]; do
  : >"$(path $number)"; unshare --net="$(path $number)" true
  case $((number % 3)) in
    1) ip link add "e2eo$number" type veth peer name eth0 netns "$(pin $number)"; ip link set "e2eo$number" up ;;
    2) id=$(printf 'e2e%061d' $number)
       result=$(CNI_COMMAND=ADD CNI_CONTAINERID=$id CNI_NETNS="/var$(path $number)" CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin "/opt/cni/bin/$PLUGIN" </run/e2e/plugin.json)
       mkdir -p /var/lib/cni/results
       printf '{"kind":"cniCacheV1","containerId":"%s","config":"%s","ifName":"eth0","networkName":"%s","cniArgs":[["K8S_POD_UID","e2e-gone-%s"],["IgnoreUnknown","1"]],"result":%s}' "$id" "$config" "$name" $number "$result" >"/var/lib/cni/results/$name-$id-eth0" ;;
  esac
  number=$((number + 1))
done`,
    { COUNT: String(count), PLUGIN: 'bridge' },
  );
}

/** Pins that are plain files: the first is removed, and a process opens the second after it was found. */
export const PLAIN = [900001, 900002] as const;

export async function makePlain(node: string): Promise<void> {
  await onNode(
    node,
    `${functions}
for number in ${PLAIN.join(' ')}; do : >"$(path $number)"; chmod 000 "$(path $number)"; done`,
  );
}

export async function openPlain(node: string): Promise<void> {
  await onNode(
    node,
    `${functions}
stay sh -c 'exec 7<"$1"; : >/run/e2e/opened; exec sleep 86409' sh "$(path ${PLAIN[1]})"
while [ ! -e /run/e2e/opened ]; do sleep 0.1; done`,
  );
}

/** Orphans that were found, and afterwards turn into these, by number. */
export const turned = {
  process: 11,
  descriptor: 12,
  socket: 13,
  twice: 14,
  device: 15,
  remade: 16,
} as const;

export async function turnSome(node: string): Promise<void> {
  await onNode(
    node,
    `${functions}
stay nsenter --net="$(path ${turned.process})" sleep 86406
stay sh -c 'exec 7<"$1"; exec sleep 86407' sh "$(path ${turned.descriptor})"
: >/run/e2e/twice; mount --bind "$(path ${turned.twice})" /run/e2e/twice
nsenter --net="$(path ${turned.device})" ip link add e2ebr type bridge
umount "$(path ${turned.remade})"; unshare --net="$(path ${turned.remade})" true
while [ "$(stat -L -c %i "/proc/$(head -n 1 /run/e2e/holders)/ns/net")" != "$(stat -L -c %i "$(path ${turned.process})")" ]; do sleep 0.1; done`,
  );
  await inNodeNetwork(
    node,
    `rm -f /tmp/e2e-socket; setsid nsenter --net=/proc/1/root/run/netns/${pin(turned.socket)} python3 -c '
import os, socket
held = socket.socket()
held.set_inheritable(True)
os.execvp("nsenter", ["nsenter", "--net=/proc/1/ns/net", "sh", "-c", "echo $$ >/tmp/e2e-socket; exec sleep 86408"])
' >/dev/null 2>&1 </dev/null &
while [ ! -s /tmp/e2e-socket ]; do sleep 0.1; done; cat /tmp/e2e-socket >>/proc/1/root/run/e2e/holders`,
  );
}

/** Namespaces that do not belong to Kubernetes: of docker, of podman, and one that a person created. */
export const OTHERS = [
  '/run/docker/netns/0123456789ab',
  '/run/netns/netns-e2e0a11e',
  '/run/netns/e2e-of-somebody',
];

export async function makeOthers(node: string): Promise<void> {
  await onNode(
    node,
    `mkdir -p /run/docker/netns; for path in ${OTHERS.join(' ')}; do : >$path; unshare --net=$path true; done`,
  );
}

/** The node's network objects: pins, links, addresses and results, one per line. */
export async function networksOf(node: string): Promise<readonly string[]> {
  const text = await onNode(
    node,
    `ls /run/netns; ip -o link | sed -n 's/^[0-9]*: \\(\\(veth\\|e2eo\\)[^@:]*\\).*/\\1/p'
for file in /var/lib/cni/networks/*/[0-9]*; do [ ! -f "$file" ] || echo "$file $(head -n 1 "$file")"; done
for file in /var/lib/cni/results/*; do [ ! -f "$file" ] || echo "$file"; done`,
  );
  return text.trim().split('\n').toSorted();
}

/** Removes everything that this file creates. */
export async function removeOrphans(node: string): Promise<void> {
  await onNode(
    node,
    `[ ! -f /run/e2e/holders ] || xargs kill </run/e2e/holders 2>/dev/null || :
umount /run/e2e/twice 2>/dev/null || :
for path in /run/netns/cni-e2e0a11e-* ${OTHERS.join(' ')}; do umount "$path" 2>/dev/null || :; rm -f "$path"; done
grep -ls '^e2e0' /var/lib/cni/networks/*/[0-9]* | xargs -r rm -f
rm -rf /run/e2e /var/lib/cni/results/*-e2e0*
for link in $(ip -o link | sed -n 's/^[0-9]*: \\(e2eo[0-9]*\\)[@:].*/\\1/p'); do ip link del "$link" 2>/dev/null || :; done`,
  );
}
