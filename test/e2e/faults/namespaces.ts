/** Namespaces and their pins: left over, hidden, covered, missing. */
import type { Fault } from './fault.ts';

/** A name in the format that the runtime gives its pins. */
const pin = (id: string): string => `/run/netns/cni-e2e00000-0000-4000-8000-${id}`;

/** Starts a program on the node, outside any container, that stays when the shell ends; its pid goes to HOLDER. */
const stay = (program: string): string => `rm -f /run/e2e.pid.$$
setsid sh -c 'for group in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do echo $$ > $group; done; echo $$ > /run/e2e.pid.'$$'; exec ${program}' >/dev/null 2>&1 </dev/null &
while [ ! -s /run/e2e.pid.$$ ]; do sleep 0.1; done; holder=$(cat /run/e2e.pid.$$); rm /run/e2e.pid.$$; echo "HOLDER=$holder"`;

const stop = 'kill $HOLDER';

export const namespaceFaults: readonly Fault[] = [
  {
    id: 'orphan-pinned',
    check: 'namespace-orphaned',
    pods: 0,
    object: { path: pin('000000000001') },
    where: 'node',
    inject: `touch ${pin('000000000001')}; unshare --net=${pin('000000000001')} true; echo "INODE=$(stat -L -c %i ${pin('000000000001')})"`,
    shows: [pin('000000000001'), '$INODE'],
    repair: 'remedy',
    cleanup: `umount ${pin('000000000001')} 2>/dev/null || :; rm -f ${pin('000000000001')}`,
  },
  {
    id: 'orphan-with-veth',
    check: 'namespace-orphaned',
    pods: 0,
    object: { path: pin('000000000004') },
    where: 'node',
    // The state after a failed DEL: the pair of the former pod.
    inject: `touch ${pin('000000000004')}; unshare --net=${pin('000000000004')} sh -c 'ip link add eth0 type veth peer name veth0e2e0004 netns 1; ip link set eth0 up'; ip link set veth0e2e0004 up`,
    shows: [pin('000000000004'), 'veth0e2e0004'],
    repair: 'remedy',
    cleanup: `umount ${pin('000000000004')} 2>/dev/null || :; rm -f ${pin('000000000004')}; ip link del veth0e2e0004 2>/dev/null || :`,
  },
  {
    id: 'orphan-pinned-and-held',
    check: 'namespace-held',
    pods: 0,
    object: { kind: 'namespace', path: pin('000000000002') },
    where: 'node',
    inject: `touch ${pin('000000000002')}; unshare --net=${pin('000000000002')} true
${stay(`nsenter --net=${pin('000000000002')} sleep 86402`)}`,
    shows: [pin('000000000002'), 'sleep', '$HOLDER'],
    repair: `${stop}; umount ${pin('000000000002')} && rm ${pin('000000000002')}`,
  },
  {
    id: 'held-by-process',
    check: 'namespace-held',
    pods: 0,
    where: 'node',
    object: { kind: 'namespace', name: 'sleep', node: '$NODE' },
    // With a pod's pair in it: a process that only wants no network is not a leak.
    inject: `${stay('unshare -n sleep 86403')}
while [ "$(readlink /proc/$holder/ns/net)" = "$(readlink /proc/1/ns/net)" ]; do sleep 0.1; done; echo "INODE=$(readlink /proc/$holder/ns/net | tr -dc 0-9)"
ip link add e2eheld0 type veth peer name eth0 netns "$holder"; ip link set e2eheld0 up`,
    shows: ['$INODE', '$HOLDER', 'sleep', 'e2eheld0'],
    repair: stop,
  },
  {
    id: 'held-by-socket',
    check: 'namespace-hidden',
    pods: 0,
    where: 'node-network',
    object: { kind: 'namespace', name: 'e2ehidden0', node: '$NODE' },
    // A socket keeps its namespace although the process that owns it has left the namespace. The pair makes
    // it visible.
    inject: `rm -f /tmp/held; setsid unshare -n python3 -c '
import os, socket
held = socket.socket()
held.set_inheritable(True)
os.system("ip link add e2ehidden1 type veth peer name e2ehidden0 netns 1")
open("/tmp/held", "w").write(str(os.getpid()))
os.execvp("nsenter", ["nsenter", "--net=/proc/1/ns/net", "sleep", "86405"])
' >/dev/null 2>&1 </dev/null &
while ! grep -qs sleep "/proc/$(cat /tmp/held 2>/dev/null)/comm"; do sleep 0.1; done; echo "HOLDER=$(cat /tmp/held)"; rm /tmp/held`,
    shows: ['e2ehidden0', 'kept alive by', '$HOLDER'],
    repair: stop,
    cleanup: 'kill $HOLDER 2>/dev/null || true',
  },
  {
    id: 'pin-plain-file',
    check: 'namespace-pin-invalid',
    pods: 0,
    object: { kind: 'file', name: pin('000000000003'), node: '$NODE' },
    where: 'node',
    inject: `touch ${pin('000000000003')}; chmod 000 ${pin('000000000003')}`,
    shows: [pin('000000000003'), 'tmpfs'],
    repair: 'remedy',
    cleanup: `rm -f ${pin('000000000003')}`,
  },
  {
    id: 'pin-covered',
    check: 'namespace-pin-shadowed',
    // Usually a whole directory is covered: it is reported once.
    object: { kind: 'file', name: '/run/netns', node: '$NODE' },
    where: 'node',
    inject: 'touch /run/e2e-cover; mount --bind /run/e2e-cover "$PIN"',
    shows: ['$PIN', '$POD'],
    repair: 'umount "$PIN"; rm /run/e2e-cover',
  },
  {
    id: 'pin-gone',
    check: 'namespace-pin-missing',
    where: 'node',
    inject: 'umount "$PIN"; rm "$PIN"',
    shows: ['$PIN'],
    repair: 'remedy',
  },
  {
    id: 'pin-of-another-pod',
    check: 'pod-network-split',
    pods: 2,
    where: 'node',
    inject: 'umount "$PIN"; mount --bind "$OTHER_PIN" "$PIN"',
    shows: ['$NETNS', '$OTHER_NETNS'],
    repair: 'umount "$PIN"; mount --bind "/proc/$PID/ns/net" "$PIN"',
  },
  {
    id: 'pins-multiplied',
    check: 'namespace-mounts-near-limit',
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // What a Bidirectional mount of the pin directory does.
    inject:
      'mkdir -p /run/e2e-mounts; for copy in $(seq 400); do touch /run/e2e-mounts/$copy; mount --bind "$PIN" /run/e2e-mounts/$copy; done',
    shows: ['/proc/1/mountinfo'],
    repair: 'for copy in /run/e2e-mounts/*; do umount "$copy"; done; rm -r /run/e2e-mounts',
  },
  {
    id: 'pinned-elsewhere',
    check: 'namespace-pinned-elsewhere',
    pods: 0,
    where: 'node',
    object: { node: '$NODE' },
    inject: stay('unshare -m --propagation private sleep 86404'),
    shows: ['$HOLDER', 'sleep'],
    repair: stop,
  },
];
