/**
 * One night of one real cluster through the functions as they are synthesized, with moto as AWS: how long, how
 * many requests to the API server, how much memory, how much in the bucket.
 *
 * `npm run bench:functions -- [BATCHES AT ONCE]` (default 2) audits the cluster of the kubeconfig; its
 * administrator's rights are needed. Simulated nodes have the label type=simulated, and print a recorded bundle.
 */
import { CreateBucketCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { openStore } from '../lib/audit/index.ts';
import { configSchema } from '../lib/model/config.ts';
import { BUCKET, deployed, REGION } from '../test/aws/deployed.ts';
import { Functions } from '../test/aws/functions.ts';
import { startMoto } from '../test/aws/moto.ts';
import { execute } from '../test/aws/states.ts';
import { ApiProxy } from './api-proxy.ts';
import { Memory } from './process-memory.ts';
import { Simulation } from './simulated-nodes.ts';

const NAMESPACE = 'netns-audit-bench';
const [atOnce = '2', nights = '1'] = process.argv.slice(2);

const simulation = await Simulation.start();
const api = await ApiProxy.start(simulation);
await prepareCluster();
const moto = await startMoto({ MOTO_S3_DEFAULT_MAX_KEYS: '1000' });
const s3 = new S3Client({ forcePathStyle: true });
await s3.send(
  new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: REGION } }),
);
await new SNSClient({}).send(new CreateTopicCommand({ Name: 'changes' }));
const { ARN: kubeconfigSecret = '' } = await new SecretsManagerClient({}).send(
  new CreateSecretCommand({ Name: 'bench', SecretString: api.kubeconfig() }),
);
const made = deployed(
  configSchema.parse({
    clusters: [{ name: 'bench', kubeconfigSecret }],
    probe: { namespace: NAMESPACE },
    concurrency: { batches: Number(atOnce) },
  }),
);
const functions = new Functions(made, moto.endpoint);
const memory = new Memory((state) => functions.of(state).map(({ pid }) => pid));
const times = new Map<string, number[]>();
const store = openStore(`s3://${BUCKET}`);
try {
  for (let night = 1; night <= Number(nights); night += 1) await audit(night);
} finally {
  memory.stop();
  await functions.stop();
  await moto.stop();
  await api.stop();
}

async function audit(night: number): Promise<void> {
  api.traffic.clear();
  times.clear();
  const began = performance.now();
  const { status, output } = await execute(
    made.definition,
    { schedule: 'nightly', scheduledTime: `2026-12-0${night}T02:00:00Z` },
    {
      id: `arn:aws:states:${REGION}:123456789012:execution:audit:${night}`,
      world: {
        invoke,
        readObject: async (_, key) => Buffer.from((await store?.get(key))?.body ?? '').toString(),
      },
    },
  );
  const seconds = (performance.now() - began) / 1000;
  const [cluster] =
    (output as { clusters?: { nodes?: { audited: number; failed: number } }[] }).clusters ?? [];
  const nodes = cluster?.nodes?.audited ?? 0;
  console.log(`\nnight ${night}: ${status}, ${simulation.nodes} simulated nodes, ${seconds.toFixed(0)} s`);
  console.log(JSON.stringify(cluster));
  if (cluster === undefined) console.log(JSON.stringify(output));
  tellFunctions();
  tellRequests(nodes);
  await tellBucket(nodes);
}

async function invoke(arn: string, input: unknown): Promise<unknown> {
  const state = made.functions.find((each) => each.arn === arn)?.state ?? '';
  const began = performance.now();
  memory.watch(state);
  try {
    return await functions.invoke(arn, input);
  } finally {
    times.set(state, [...(times.get(state) ?? []), (performance.now() - began) / 1000]);
  }
}

function tellFunctions(): void {
  console.log(
    '\n| function | calls | seconds, all | longest | CPU s | peak MiB | of it, processes it started |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const [state, all] of times) {
    const { cpu, peak, children } = memory.of(state);
    const sum = all.reduce((a, b) => a + b, 0);
    console.log(
      `| ${state} | ${all.length} | ${sum.toFixed(1)} | ${Math.max(...all).toFixed(1)} | ${cpu.toFixed(1)} | ` +
        `${Math.round(peak)} | ${Math.round(children)} |`,
    );
  }
}

function tellRequests(nodes: number): void {
  console.log('\n| request | number | per node | kB per node | ms each |\n|---|---|---|---|---|');
  const rows = [...api.traffic].toSorted(([, a], [, b]) => b.bytes - a.bytes);
  let [requests, bytes] = [0, 0];
  for (const [kind, told] of rows) {
    requests += told.requests;
    bytes += told.bytes;
    console.log(row(kind, told.requests, told.bytes, nodes, told.milliseconds / told.requests));
  }
  console.log(row('all', requests, bytes, nodes, null));
}

function row(kind: string, requests: number, bytes: number, nodes: number, each: number | null): string {
  const time = each === null ? '' : each.toFixed(0);
  return `| ${kind} | ${requests} | ${(requests / nodes).toFixed(2)} | ${(bytes / 1000 / nodes).toFixed(1)} | ${time} |`;
}

async function tellBucket(nodes: number): Promise<void> {
  const sums = new Map<string, { objects: number; bytes: number }>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: BUCKET }))
    for (const { Key = '', Size = 0 } of Contents) {
      const prefix = Key.split('/')[0] ?? '';
      const { objects, bytes } = sums.get(prefix) ?? { objects: 0, bytes: 0 };
      sums.set(prefix, { objects: objects + 1, bytes: bytes + Size });
    }
  console.log('\n| in the bucket | objects | kB | kB per node |\n|---|---|---|---|');
  for (const [prefix, { objects, bytes }] of sums)
    console.log(
      `| ${prefix} | ${objects} | ${(bytes / 1000).toFixed(0)} | ${(bytes / 1000 / nodes).toFixed(1)} |`,
    );
}

/** A namespace that takes the probe pods, and which nodes are simulated. */
async function prepareCluster(): Promise<void> {
  await api.ask('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  });
  const path = '/api/v1/nodes?labelSelector=type%3Dsimulated';
  const { items } = JSON.parse((await api.ask('GET', path)).toString()) as {
    items: { metadata: { name: string } }[];
  };
  for (const { metadata } of items) simulation.add(metadata.name);
}
