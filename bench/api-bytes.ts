/**
 * Bytes and time that an audit's API lists take, without compression and in gzip, as the audit requests them.
 * `npm run bench:api` measures a stub with 20 nodes of 100 pods each; `npm run bench:api -- CONTEXT` measures
 * the cluster of a context.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { open } from '../lib/cluster/index.ts';
import { serveRecording } from '../test/audit/recorded.ts';
import { StubApiServer } from '../test/stub/api-server.ts';

const sockets: Socket[] = [];
subscribe('undici:client:connected', (message) => {
  sockets.push((message as { socket: Socket }).socket);
});
const received = (): number => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);

const context = process.argv[2];
const stub = context === undefined ? await aStub() : null;
const { transport } = await open(
  stub === null
    ? { kind: 'kubeconfig', ...(context === undefined ? {} : { context }) }
    : { kind: 'kubeconfig-text', text: stub.kubeconfig() },
  { version: 'bench' },
);
await transport.json({ path: '/version', what: 'read the version' });
for (const kind of ['nodes', 'pods', 'events']) {
  const list = { path: `/api/v1/${kind}`, what: `list ${kind}` };
  const plain = await cost(() => transport.text(list));
  const packed = await cost(() => transport.json(list));
  console.log(`${kind}: ${plain}, in gzip ${packed}`);
}
await transport.close();
await stub?.close();

async function cost(ask: () => Promise<unknown>): Promise<string> {
  const [bytes, began] = [received(), performance.now()];
  await ask();
  return `${((received() - bytes) / 1000).toFixed(1)} kB in ${(performance.now() - began).toFixed(0)} ms`;
}

/** The recorded node and its pods, repeated to the size of a cluster. */
async function aStub(): Promise<StubApiServer> {
  const server = await StubApiServer.start();
  await serveRecording(server, 'broken');
  const [nodes, pods, events] = [[...server.nodes], [...server.pods.values()], [...server.events]];
  for (let n = 1; n < 20; n += 1) server.nodes.push(...nodes);
  for (let n = 0; server.pods.size < 2000; n += 1)
    for (const pod of pods) server.pods.set(`${n}/${pod.metadata.name}`, pod);
  for (let n = 1; n < 200; n += 1) server.events.push(...events);
  return server;
}
