/**
 * Whether the process of audit-nodes grows from batch to batch: its heap after a garbage collection, and its memory.
 *
 * `npm run bench:batches -- [BATCHES] [NODES PER BATCH]` (default 30 of 20) audits recorded nodes of a stub API server,
 * which is a process of its own.
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditBatchOfFleet, planClusterOfFleet, planFleet } from '../lib/audit/fleet/index.ts';
import { batchSchema } from '../lib/audit/fleet/messages.ts';
import { readTasks } from '../lib/audit/fleet/work.ts';
import { DirectoryStore } from '../lib/history/index.ts';
import { addNode, endWith, serveRecording } from '../test/audit/recorded.ts';
import { StubApiServer } from '../test/stub/api-server.ts';

const ARN = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:bench';
const [first = '30', nodes = '20'] = process.argv.slice(2);

if (first === 'stub') await serve(Number(nodes));
else await measure(Number(first), Number(nodes));

async function serve(count: number): Promise<void> {
  const stub = await StubApiServer.start();
  const { node, log } = await serveRecording(stub, 'healthy');
  for (let n = 2; n <= count; n += 1) {
    addNode(stub, node, { name: `node-${n}` });
    endWith(stub, `node-${n}`, () => ({ log }));
  }
  process.send?.(stub.kubeconfig());
}

async function measure(batches: number, count: number): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('start it with node --expose-gc');
  const stub = fork(new URL(import.meta.url), ['stub', String(count)]);
  const kubeconfig = await new Promise<string>((resolve) =>
    stub.once('message', (text) => resolve(String(text))),
  );
  const directory = await mkdtemp(join(tmpdir(), 'netns-auditor-bench-'));
  const store = new DirectoryStore(directory);
  const connections = {
    version: '0.0.0',
    readSecret: async () => kubeconfig,
    onDamage: () => {},
  };
  console.log('| batch | audited, failed | heap MB | external MB | resident MB |\n|---|---|---|---|---|');
  for (let number = 1; number <= batches; number += 1) {
    const day = new Date(Date.UTC(2026, 0, number, 2)).toISOString();
    const plan = await planFleet(
      store,
      {
        scheduledTime: day,
        schedule: 'nightly',
        execution: `execution-${number}`,
        clusters: [{ name: 'bench', kubeconfigSecret: ARN }],
        settings: { concurrency: { nodesPerBatch: count, nodes: count } },
      },
      connections.onDamage,
    );
    const [task] = await readTasks(store, plan.runId);
    if (task === undefined) throw new Error('no task');
    const never = new AbortController().signal;
    const planned = await planClusterOfFleet(store, task, connections, never);
    const stored = Buffer.from((await store.get(planned.batches))?.body ?? '').toString();
    for (const batch of batchSchema.array().parse(JSON.parse(stored))) {
      const { audited, failed } = await auditBatchOfFleet(store, batch, connections, never);
      // What ended has let go of its sockets.
      await sleep(100);
      gc();
      const { heapUsed, external, rss } = process.memoryUsage();
      const megabytes = [heapUsed, external, rss].map((bytes) => (bytes / 1e6).toFixed(1));
      console.log(`| ${number} | ${audited}, ${failed} | ${megabytes.join(' | ')} |`);
    }
  }
  stub.kill();
  await rm(directory, { recursive: true });
}
