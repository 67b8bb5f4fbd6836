/** CNI configuration, plugins, and the addresses that host-local keeps as files. */
import { type Fault, hasHostLocal, inInjector, isCalico, isCilium } from './fault.ts';

const directory = '$(dirname "$(ls /var/lib/cni/networks/*/last_reserved_ip.0 | head -n 1)")';

/** Sets `file` to a record that host-local has not written. It gives every address in turn, the highest too. */
const unused = (highest: number): string =>
  `last=${highest}; while file=${directory}/"\${IP%.*}".$last; [ -e "$file" ]; do last=$((last - 3)); done`;

export const ipamFaults: readonly Fault[] = [
  {
    id: 'reservation-leaked',
    check: 'ipam-leaked',
    where: 'node',
    object: { node: '$NODE' },
    inject: `${unused(240)}; printf 'e2e0dead%056d\\r\\neth0' 1 > "$file"; echo "FILE=$file"; echo "LEAKED=\${file##*/}"`,
    shows: ['$LEAKED', 'e2e0dead'],
    repair: 'remedy',
    // A pod may have been given the address meanwhile.
    cleanup: 'if grep -qs "^e2e0dead" "$FILE"; then rm "$FILE"; fi',
    when: hasHostLocal,
  },
  {
    id: 'reservation-half-written',
    check: 'ipam-corrupt',
    where: 'node',
    object: { node: '$NODE' },
    inject: `${unused(241)}; : > "$file"; echo "FILE=$file"`,
    shows: ['$FILE'],
    repair: 'remedy',
    cleanup: '[ -s "$FILE" ] || rm -f "$FILE"',
    when: hasHostLocal,
  },
  {
    id: 'reservation-lost',
    check: 'ipam-unrecorded',
    where: 'node',
    inject: `rm ${directory}/"$IP"`,
    shows: ['$IP'],
    repair: 'remedy',
    when: hasHostLocal,
  },
  {
    id: 'reservation-moved',
    check: 'ipam-conflict',
    where: 'node',
    inject: `${unused(242)}; mv "\${file%/*}/$IP" "$file"; echo "FILE=$file"; echo "MOVED=\${file##*/}"; echo "OWNER=$(head -n 1 "$file" | tr -d '\\r')"`,
    shows: ['$IP', '$MOVED'],
    repair: 'remedy',
    cleanup: 'if grep -qs "$OWNER" "$FILE"; then rm "$FILE"; fi',
    when: hasHostLocal,
  },
];

/** The agents' records in the API; `kubectl` runs where the tests run. */
export const endpointFaults: readonly Fault[] = [
  {
    id: 'calico-endpoint-emptied',
    check: 'cni-endpoint-missing',
    where: 'cluster',
    inject:
      'kubectl annotate pod -n "$POD_NAMESPACE" "$POD" --overwrite cni.projectcalico.org/podIP= cni.projectcalico.org/podIPs=',
    shows: ['is empty', '$IP'],
    repair: 'remedy',
    when: isCalico,
  },
  {
    id: 'calico-endpoint-of-another',
    check: 'cni-endpoint-stale',
    where: 'cluster',
    inject: `kubectl annotate pod -n "$POD_NAMESPACE" "$POD" --overwrite cni.projectcalico.org/containerID=${'e'.repeat(64)}`,
    shows: ['e'.repeat(64)],
    repair: 'remedy',
    when: isCalico,
  },
  {
    id: 'calico-address-unrecorded',
    check: 'ipam-unrecorded',
    where: 'cluster',
    inject: changeBlock('.spec.allocations[$at] = null | .spec.unallocated += [$at]'),
    shows: ['$IP', 'ipamblocks'],
    repair: 'remedy',
    when: isCalico,
  },
  {
    id: 'calico-address-of-another',
    check: 'ipam-conflict',
    where: 'cluster',
    inject: changeBlock(
      `(.spec.attributes | length) as $new | .spec.attributes += [${ofDead('c')}] | .spec.allocations[$at] = $new`,
    ),
    shows: ['$IP', 'c'.repeat(64)],
    // The remedy alone leaves the other's entry, which is a leak from then on.
    repair: `${freeDead('c')}; kubectl delete pod -n "$POD_NAMESPACE" "$POD"`,
    when: isCalico,
  },
  {
    id: 'calico-address-leaked',
    check: 'ipam-leaked',
    where: 'cluster',
    object: { node: '$NODE' },
    inject: changeBlock(
      `(.spec.attributes | length) as $new | .spec.attributes += [${ofDead('d')}] | (.spec.unallocated | max) as $free | .spec.allocations[$free] = $new | .spec.unallocated -= [$free]`,
    ),
    shows: ['d'.repeat(64), 'e2e-gone'],
    // calicoctl, which the remedy names, is not always installed.
    repair: freeDead('d'),
    when: isCalico,
  },
  {
    id: 'cilium-endpoint-gone',
    check: 'cni-endpoint-missing',
    where: 'cluster',
    // Pods that may be starting are not judged: those in their first minute. A working agent makes it again within 10 s.
    inject: `kubectl wait -n "$POD_NAMESPACE" --for=condition=Ready "pod/$POD" && sleep 65; ${signalAgent('STOP')}
kubectl delete ciliumendpoint -n "$POD_NAMESPACE" "$POD"`,
    shows: ['no CiliumEndpoint'],
    repair: `${signalAgent('CONT')}
kubectl delete pod -n "$POD_NAMESPACE" "$POD"`,
    cleanup: signalAgent('CONT'),
    when: isCilium,
  },
  {
    id: 'cilium-endpoint-left',
    check: 'cni-endpoint-stale',
    where: 'cluster',
    object: { kind: 'pod', name: 'e2e-gone' },
    inject: `kubectl get ciliumendpoint -n "$POD_NAMESPACE" "$POD" -o json | jq '.metadata = { namespace: .metadata.namespace, name: "e2e-gone" } | .status.networking.addressing = [{ ipv4: "10.244.1.251" }]' | kubectl create -f -`,
    shows: ['10.244.1.251'],
    repair: 'remedy',
    cleanup: 'kubectl delete ciliumendpoint -n "$POD_NAMESPACE" e2e-gone --ignore-not-found',
    when: isCilium,
  },
];

function signalAgent(signal: 'STOP' | 'CONT'): string {
  // The injector has no pgrep.
  return inInjector(
    signal,
    'grep -lx cilium-agent /proc/[0-9]*/comm 2>/dev/null | cut -d / -f 3 | xargs kill -"$1"',
  );
}

/** The block of the victim's address, modified by jq; \`$at\` is the position of the address in it. */
function changeBlock(change: string): string {
  return untilDone(`kubectl get ipamblocks -o json | jq --arg ip "$IP" --arg node "$NODE" '
    def number: split(".") | map(tonumber) | reduce .[] as $part (0; . * 256 + $part);
    ($ip | number) as $wanted | .items[] | (.spec.cidr | split("/")) as [$base, $length]
    | ($wanted - ($base | number)) as $at | select($at >= 0 and $at < pow(2; 32 - ($length | tonumber)))
    | ${change}' | kubectl replace -f -`);
}

/** Attributes of an address assigned to a container that no longer exists. */
function ofDead(letter: string): string {
  return `{ handle_id: ("k8s-pod-network." + ("${letter}" * 64)), secondary: { namespace: "shop", node: $node, pod: "e2e-gone", timestamp: "2026-11-01 08:00:00.1 +0000 UTC" } }`;
}

/** Freed as calicoctl does it. */
function freeDead(letter: string): string {
  return untilDone(
    `kubectl get ipamblocks -o json | jq '.items[] | (.spec.attributes | map(.handle_id == ("k8s-pod-network." + ("${letter}" * 64))) | index(true)) as $dead | select($dead != null) | (.spec.allocations | index($dead)) as $at | .spec.allocations[$at] = null | .spec.unallocated += [$at]' | kubectl replace -f -`,
  );
}

/** Another fault, or Calico, may change the block at the same time: the API then refuses. */
function untilDone(line: string): string {
  return `tries=0; until ${line}; do tries=$((tries + 1)); [ $tries -lt 10 ] || exit 1; done`;
}

/** Faults of the whole node: one at a time. */
export const cniFaults: readonly Fault[] = [
  {
    id: 'agent-gone',
    check: 'cni-agent-down',
    alone: true,
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    // If agents run as processes of the node, whatever would restart them is stopped first.
    inject: `loops=; for pid in $(for name in flanneld calico-node ipamd; do pgrep -x $name || :; done); do loop=$(awk '{ print $4 }' /proc/$pid/stat); kill -STOP $loop; kill -9 $pid; loops="$loops $loop"; done; echo "LOOPS=$loops"`,
    shows: ['has no pod on the node', 'no process'],
    repair: 'kill -CONT $LOOPS',
    when: ({ plugin }) => ['flannel', 'calico', 'aws-cni'].includes(plugin),
  },
  {
    id: 'agent-stopped',
    check: 'cni-agent-down',
    alone: true,
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: `pids=$(for name in flanneld calico-node ipamd cilium-agent; do pgrep -x $name || :; done | tr '\\n' ' '); echo "PIDS=$pids"; kill -STOP $pids`,
    shows: ['was stopped by a signal'],
    repair: 'remedy',
    cleanup: 'kill -CONT $PIDS',
    when: ({ plugin }) => ['flannel', 'calico', 'aws-cni', 'cilium-cni'].includes(plugin),
  },
  {
    id: 'subnet-file-gone',
    check: 'cni-subnet-file-wrong',
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: 'mv /run/flannel/subnet.env /run/e2e-subnet.env',
    shows: ['/run/flannel/subnet.env does not exist'],
    // Ends the agent, which is started again and writes the file.
    repair:
      'pkill -KILL -x flanneld; for i in $(seq 60); do [ -e /run/flannel/subnet.env ] && break; sleep 0.5; done',
    cleanup:
      '[ -e /run/flannel/subnet.env ] || mv /run/e2e-subnet.env /run/flannel/subnet.env; rm -f /run/e2e-subnet.env',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'subnet-file-of-another',
    check: 'cni-subnet-file-wrong',
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject:
      'cp /run/flannel/subnet.env /run/e2e-subnet-own.env; sed -i "s#^FLANNEL_SUBNET=.*#FLANNEL_SUBNET=10.244.99.1/24#" /run/flannel/subnet.env',
    shows: ['10.244.99.1/24', 'in the API'],
    repair:
      'pkill -KILL -x flanneld; for i in $(seq 60); do grep -q 99.1 /run/flannel/subnet.env || break; sleep 0.5; done',
    cleanup: 'mv /run/e2e-subnet-own.env /run/flannel/subnet.env',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'plugin-missing',
    check: 'cni-plugin-missing',
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: 'mv /opt/cni/bin/portmap /opt/cni/bin/.portmap.e2e',
    shows: ['portmap', '/opt/cni/bin'],
    repair: 'mv /opt/cni/bin/.portmap.e2e /opt/cni/bin/portmap',
    when: ({ plugins }) => plugins.includes('portmap'),
  },
  {
    id: 'plugin-not-executable',
    check: 'cni-plugin-missing',
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: 'chmod a-x /opt/cni/bin/portmap',
    shows: ['portmap is not executable'],
    repair: 'remedy',
    cleanup: 'chmod 0755 /opt/cni/bin/portmap',
    when: ({ plugins }) => plugins.includes('portmap'),
  },
  {
    id: 'configuration-before',
    check: 'cni-config-order',
    pods: 1,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: `echo '{"cniVersion":"0.4.0","name":"e2e-other","type":"ptp","ipam":{"type":"host-local","subnet":"192.168.99.0/24"}}' > /etc/cni/net.d/00-e2e.conf`,
    shows: ['00-e2e.conf', 'e2e-other'],
    repair: 'remedy',
    cleanup: 'rm -f /etc/cni/net.d/00-e2e.conf /root/00-e2e.conf.unused',
    // Agents of other plugins may remove a file that they do not know.
    when: ({ plugin, plugins }) => plugin === 'bridge' && plugins.includes('portmap'),
  },
  {
    id: 'configuration-broken',
    check: 'cni-config-invalid',
    alone: true,
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: `cd /etc/cni/net.d; for file in *.conflist; do cp "$file" "/run/e2e-$file"; echo '{ broken' > "$file"; done; echo "FILE=$file"`,
    shows: ['$FILE'],
    also: [{ check: 'runtime-network-not-ready', object: { kind: 'node', name: '$NODE' } }],
    unready: true,
    repair:
      'cd /etc/cni/net.d; for file in *.conflist; do cat "/run/e2e-$file" > "$file"; rm "/run/e2e-$file"; done',
    // Cilium's agent rewrites its configuration at once.
    when: (platform) => !isCilium(platform),
  },
];
