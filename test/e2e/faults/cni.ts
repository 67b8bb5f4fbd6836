/** CNI configuration, plugins, and the addresses that host-local keeps as files. */
import { type Fault, hasHostLocal } from './fault.ts';

const directory = '$(dirname "$(ls /var/lib/cni/networks/*/last_reserved_ip.0 | head -n 1)")';
const free = '"${IP%.*}"';

export const ipamFaults: readonly Fault[] = [
  {
    id: 'reservation-leaked',
    check: 'ipam-leaked',
    where: 'node',
    object: { node: '$NODE' },
    inject: `file=${directory}/${free}.240; printf 'e2e0dead%056d\\r\\neth0' 1 > "$file"; echo "FILE=$file"; echo "LEAKED=${free}.240"`,
    shows: ['$LEAKED', 'e2e0dead'],
    repair: 'remedy',
    cleanup: 'rm -f "$FILE"',
    when: hasHostLocal,
  },
  {
    id: 'reservation-half-written',
    check: 'ipam-corrupt',
    where: 'node',
    object: { node: '$NODE' },
    inject: `file=${directory}/${free}.241; : > "$file"; echo "FILE=$file"`,
    shows: ['$FILE'],
    repair: 'remedy',
    cleanup: 'rm -f "$FILE"',
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
    inject: `cd ${directory}; mv "$IP" ${free}.242; echo "MOVED=${free}.242"`,
    shows: ['$IP', '$MOVED'],
    repair: 'remedy',
    cleanup: `cd ${directory}; rm -f "$MOVED"`,
    when: hasHostLocal,
  },
];

/** Of the whole node: each at a time. */
export const cniFaults: readonly Fault[] = [
  {
    id: 'agent-gone',
    check: 'cni-agent-down',
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    // Where agents run as processes of the node: what would start it again is stopped first.
    inject: `loops=; for pid in $(pgrep -x 'flanneld|calico-node|ipamd'); do loop=$(awk '{ print $4 }' /proc/$pid/stat); kill -STOP $loop; kill -9 $pid; loops="$loops $loop"; done; echo "LOOPS=$loops"`,
    shows: ['has no pod on the node', 'no process'],
    repair: 'kill -CONT $LOOPS',
    when: ({ plugin }) => ['flannel', 'calico', 'aws-cni'].includes(plugin),
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
    // The agents of others may take a file that they do not know away.
    when: ({ plugin, plugins }) => plugin === 'bridge' && plugins.includes('portmap'),
  },
  {
    id: 'configuration-broken',
    check: 'cni-config-invalid',
    pods: 0,
    where: 'node',
    object: { kind: 'node', name: '$NODE' },
    inject: `cd /etc/cni/net.d; for file in *.conflist; do cp "$file" "/run/e2e-$file"; echo '{ broken' > "$file"; done; echo "FILE=$file"`,
    shows: ['$FILE'],
    also: [{ check: 'runtime-network-not-ready', object: { kind: 'node', name: '$NODE' } }],
    unready: true,
    repair:
      'cd /etc/cni/net.d; for file in *.conflist; do cat "/run/e2e-$file" > "$file"; rm "/run/e2e-$file"; done',
    // Cilium's agent writes its configuration anew at once.
    when: ({ plugin }) => plugin !== 'cilium-cni',
  },
];
