/** Stops a node's kubelet for a while: the API server still lists the node, but the node does nothing. */
import { getJson, inNodeNetwork, isReady, type Node } from './cluster.ts';
import { run, waitFor } from './run.ts';

const PORT = 28_999;

// The kubelet itself serves the exec that stops it, so it is woken in another way: by a connection from
// another node, or after two minutes.
const stopUntilToldOrLong = `
kubelet=$(for p in /proc/[0-9]*; do [ "$(cat "$p/comm" 2>/dev/null)" != kubelet ] || echo "\${p#/proc/}"; done)
[ -n "$kubelet" ]
cat > /tmp/wake.py <<'PY'
import os, signal, socket, sys, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", ${PORT}))
listener.listen()
listener.settimeout(120)
time.sleep(1)
os.kill(int(sys.argv[1]), signal.SIGSTOP)
try:
    listener.accept()
except OSError:
    pass
os.kill(int(sys.argv[1]), signal.SIGCONT)
PY
setsid python3 /tmp/wake.py "$kubelet" >/dev/null 2>&1 </dev/null &
echo "KUBELET=$kubelet"`;

/** Runs `work` while the kubelet of `node` is stopped; `other` is a node from which it is woken up again. */
export async function withSilentKubelet<T>(node: string, other: string, work: () => Promise<T>): Promise<T> {
  const printed = await inNodeNetwork(node, stopUntilToldOrLong);
  const { status } = await getJson<{ status: { addresses: readonly { type: string; address: string }[] } }>([
    'node',
    node,
  ]);
  const address = status.addresses.find((one) => one.type === 'InternalIP')?.address ?? node;
  try {
    await waitFor(
      `the kubelet ${printed.trim()} of ${node} to fall silent`,
      async () => !(await answers(node)),
    );
    return await work();
  } finally {
    await inNodeNetwork(
      other,
      `python3 -c 'import socket; socket.create_connection(("${address}", ${PORT}), 5)'`,
    );
    await waitFor(`node ${node} to be Ready again`, async () => isReady(await getJson<Node>(['node', node])));
    await waitFor(`the kubelet of ${node} to answer`, () => answers(node));
  }
}

async function answers(node: string): Promise<boolean> {
  const result = await run('kubectl', [
    'get',
    '--raw',
    `/api/v1/nodes/${node}/proxy/healthz`,
    '--request-timeout=1s',
  ]);
  return result.exitCode === 0;
}
