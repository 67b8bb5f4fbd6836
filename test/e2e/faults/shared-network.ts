/** Two pods in one namespace, as a plugin can cause that assigns what another pod has. */
import { type Fault, hasHostLocal } from './fault.ts';

// It may also be asked to take apart what the real plugins made: then it gives the address back, as host-local does.
const plugin = `#!/bin/sh
[ "$CNI_COMMAND" != DEL ] || grep -ls "^$CNI_CONTAINERID" /var/lib/cni/networks/*/[0-9]* | xargs -r rm -f
[ "$CNI_COMMAND" = ADD ] || exit 0
umount "$CNI_NETNS" && mount --bind OTHER_NETNS_PATH "$CNI_NETNS"
echo '{"cniVersion":"0.4.0","interfaces":[{"name":"eth0","sandbox":"'$CNI_NETNS'"}],"ips":[{"version":"4","address":"OTHER_ADDRESS/24","interface":0}]}'
`;

export const sharedNetworkFaults: readonly Fault[] = [
  {
    id: 'network-shared',
    check: 'pods-share-network',
    pods: 2,
    where: 'node',
    // The first victim's sandbox is recreated by a plugin that puts it into the second one's namespace.
    inject: `cat > /opt/cni/bin/e2e-share <<'PLUGIN'
${plugin}PLUGIN
sed -i "s#OTHER_NETNS_PATH#$OTHER_PIN#; s#OTHER_ADDRESS#$OTHER_IP#" /opt/cni/bin/e2e-share; chmod 755 /opt/cni/bin/e2e-share
echo '{"cniVersion":"0.4.0","name":"e2e-share","plugins":[{"type":"e2e-share"}]}' > /etc/cni/net.d/00-e2e.conflist
end_sandbox() {
  for file in /run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json; do
    grep -q '"io.kubernetes.cri.container-type": *"sandbox"' "$file" && grep -q "$UID" "$file" && kill -9 "$(cat "\${file%/config.json}/init.pid")"
  done || :
}
shared=$(stat -L -c %i "$OTHER_PIN"); tries=0
while ! for mounts in /proc/[0-9]*/mountinfo; do
  grep -q "/pods/$UID/etc-hosts /etc/hosts" "$mounts" 2>/dev/null && [ "$(stat -L -c %i "\${mounts%/mountinfo}/ns/net" 2>/dev/null)" = "$shared" ] && break
done; do
  # The runtime may not have seen the new configuration yet, and makes the sandbox by the old one.
  [ $((tries % 75)) != 0 ] || end_sandbox
  tries=$((tries + 1)); [ $tries -lt 300 ] || { rm -f /etc/cni/net.d/00-e2e.conflist; exit 1; }
  sleep 0.2
done
# A sandbox that ended in there meanwhile took the loopback down with it (DEL of the plugin "loopback").
nsenter --net="$OTHER_PIN" ip link set lo up
rm -f /etc/cni/net.d/00-e2e.conflist; echo "SHARED=$shared"`,
    shows: ['$SHARED', '$OTHER_POD'],
    repair: 'remedy',
    cleanup: 'rm -f /etc/cni/net.d/00-e2e.conflist /opt/cni/bin/e2e-share',
    when: hasHostLocal,
  },
];
