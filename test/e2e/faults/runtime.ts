/** Changes to the runtime's files behind its back: it reads them only when it starts. */
import { type Fault, isCalico, isCilium } from './fault.ts';

/** DIR: the task directory of the pod's sandbox; TASKS: the parent of all of them. */
const sandbox = `TASKS=/run/containerd/io.containerd.runtime.v2.task/k8s.io
for file in "$TASKS"/*/config.json; do
  grep -q '"io.kubernetes.cri.container-type": *"sandbox"' "$file" && grep -q "$UID_OF_POD" "$file" && DIR=\${file%/config.json}
done
ID=\${DIR##*/}; echo "TASKS=$TASKS"; echo "DIR=$DIR"; echo "ID=$ID"`.replace('$UID_OF_POD', '$UID');

const copy = (id: string): string => `${id}${'0'.repeat(64 - id.length)}`;
/** containerd's files of each sandbox that it did not remove. */
const record = (id: string): string => `/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${copy(id)}`;

export const runtimeFaults: readonly Fault[] = [
  {
    id: 'sandbox-twice',
    check: 'sandbox-duplicated',
    where: 'node',
    inject: `${sandbox}; cp -r "$DIR" "$TASKS/${copy('e2e1')}"; sed -i "s/$ID/${copy('e2e1')}/g" "$TASKS/${copy('e2e1')}/config.json"; rm "$TASKS/${copy('e2e1')}/init.pid"; mkdir ${record('e2e1')}`,
    shows: ['e2e1'],
    repair: `rm -rf "$TASKS/${copy('e2e1')}" ${record('e2e1')}`,
  },
  {
    id: 'sandbox-of-no-pod',
    check: 'sandbox-ghost',
    object: { kind: 'pod', name: 'e2e-ghost' },
    where: 'node',
    // Old: one created between the two API lists may have had a pod that came and went, and is not judged.
    // And younger than its pod, which would otherwise be considered the one that entered the other's network.
    inject: `${sandbox}; cp -r "$DIR" "$TASKS/${copy('e2e2')}"; sed -i "s/$ID/${copy('e2e2')}/g; s/$POD/e2e-ghost/g; s/$UID/e2e00000-0000-4000-8000-000000000000/g" "$TASKS/${copy('e2e2')}/config.json"; rm "$TASKS/${copy('e2e2')}/init.pid"; mkdir ${record('e2e2')}; touch -d '1 hour ago' "$DIR/config.json"; touch -d '59 minutes ago' "$TASKS/${copy('e2e2')}/config.json"`,
    shows: ['e2e00000-0000-4000-8000-000000000000'],
    repair: `rm -rf "$TASKS/${copy('e2e2')}" ${record('e2e2')}`,
  },
  {
    id: 'sandbox-stopped',
    check: 'sandbox-stale',
    pods: 0,
    object: { kind: 'pod', name: 'e2e-stopped' },
    where: 'node',
    // As containerd keeps it after CNI DEL failed: no task any more, a pin, and the plugin's result.
    inject: `pin=/run/netns/cni-e2e00000-0000-4000-8000-000000000005; touch $pin; unshare --net=$pin true
mkdir ${record('e2e3')}
printf '{"kind":"cniCacheV1","containerId":"${copy('e2e3')}","ifName":"eth0","networkName":"e2e","config":"","cniArgs":[["K8S_POD_NAMESPACE","netns-audit-e2e"],["K8S_POD_NAME","e2e-stopped"],["K8S_POD_UID","e2e00000-0000-4000-8000-000000000003"]],"netns":"%s","result":{"cniVersion":"1.0.0"}}' $pin > /var/lib/cni/results/e2e-${copy('e2e3')}-eth0`,
    shows: ['cni-e2e00000-0000-4000-8000-000000000005'],
    repair: `umount /run/netns/cni-e2e00000-0000-4000-8000-000000000005; rm -f /run/netns/cni-e2e00000-0000-4000-8000-000000000005 /var/lib/cni/results/e2e-*; rmdir ${record('e2e3')}`,
    when: (platform) => !isCalico(platform) && !isCilium(platform),
  },
  {
    id: 'pause-process-dead',
    check: 'sandbox-process-dead',
    where: 'node',
    // Its shim is stopped, so that it does not notice.
    inject: `${sandbox}
pause=$(cat "$DIR/init.pid"); shim=$(awk '/^PPid/ { print $2 }' /proc/$pause/status); kill -STOP $shim; kill -9 $pause; echo "SHIM=$shim"; echo "PAUSE=$pause"`,
    shows: ['$PAUSE'],
    repair: 'kill -CONT "$SHIM"',
    cleanup: 'kill -CONT "$SHIM" 2>/dev/null || :',
  },
  {
    id: 'namespace-path-lost',
    check: 'runtime-namespace-path-invalid',
    where: 'node',
    inject: `${sandbox}; cp "$DIR/config.json" /run/e2e-config.json; sed -i "s#\\(/var\\)\\{0,1\\}/run/netns/cni-[0-9a-f-]*#/proc/999999/ns/net#g" "$DIR/config.json"`,
    shows: ['/proc/999999/ns/net'],
    repair: 'cat /run/e2e-config.json > "$DIR/config.json"; rm /run/e2e-config.json',
  },
];
