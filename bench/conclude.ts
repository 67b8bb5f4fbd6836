/**
 * How long the end of a large cluster's run takes: plan and batches have written their results to a store,
 * and conclude-cluster creates the report; then the same with a finding for every pod. `npm run
 * bench:conclude -- [NODES [PODS ON EACH]]`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { concludeClusterOfFleet } from '../lib/audit/fleet/conclude-cluster.ts';
import type { Task } from '../lib/audit/fleet/messages.ts';
import { keepPlan, keepResults } from '../lib/audit/fleet/work.ts';
import { catalogue } from '../lib/checks/catalogue.ts';
import { DirectoryStore } from '../lib/history/index.ts';
import { NO_CNI_RECORDS } from '../lib/model/cni-records.ts';
import { settingsSchema } from '../lib/model/config.ts';
import { NO_NETWORK_POLICIES } from '../lib/model/crossing.ts';
import type { CheckFailure, NodeResult } from '../lib/model/node-result.ts';
import { newRunId } from '../lib/model/run-id.ts';
import { NO_SERVICE_ENDPOINTS } from '../lib/model/service-endpoints.ts';

const BATCH = 20;
const run = { cluster: 'large', runId: newRunId(new Date('2026-11-23T02:00:00Z'), 'nightly') };

const [NODES = '', PODS = '30', directory] = process.argv.slice(2);
if (directory !== undefined) await conclude(directory);
else
  for (const nodes of NODES === '' ? [500, 5_000] : [Number(NODES)])
    for (const each of [100, 1]) await measure(nodes, Number(PODS), each);

/** Runs in a separate process, so that preparing the data is not measured. */
async function measure(nodes: number, pods: number, each: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'netns-audit-bench-'));
  await make(folder, nodes, pods, each);
  const self = fileURLToPath(import.meta.url);
  const said = execFileSync(process.execPath, [self, String(nodes), String(pods), folder], {
    encoding: 'utf8',
  });
  console.log(`${nodes} nodes, ${nodes * pods} pods: ${said.trim()}`);
  rmSync(folder, { recursive: true });
}

async function conclude(folder: string): Promise<void> {
  const started = performance.now();
  const task: Task = {
    runId: run.runId,
    checks: 'all',
    cluster: { name: run.cluster, kubeconfigSecret: 'arn:aws:secretsmanager:a:b:secret:c' },
    settings: settingsSchema.parse({}),
  };
  const conclusion = await concludeClusterOfFleet(
    new DirectoryStore(folder),
    { task, failure: null },
    {
      notifiers: [],
      version: '0.0.0',
      consoleRegion: null,
      onDamage: (damage) => {
        throw damage;
      },
    },
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const [, peak = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  console.log(
    `${seconds} s, at most ${Math.round(Number(peak) / 1024)} MiB; ${conclusion.nodes.audited} audited, ${conclusion.new} new`,
  );
}

async function make(folder: string, count: number, pods: number, each: number): Promise<void> {
  const store = new DirectoryStore(folder);
  const names = Array.from(
    { length: count },
    (_, node) => `ip-10-${node >> 8}-${node & 255}-1.eu-west-1.compute.internal`,
  );
  const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) =>
    names.slice(batch * BATCH, (batch + 1) * BATCH),
  );
  const record = {
    version: '0.0.0',
    runId: run.runId,
    cluster: { name: run.cluster, uid: 'uid', version: 'v1.36.0' },
    scope: 'cluster' as const,
    startedAt: '2026-11-23T02:00:00Z',
    settleSeconds: { pod: 300, orphan: 900 },
    active: [],
    previousRunId: null,
  };
  await keepPlan(
    store,
    run,
    {
      record,
      events: [],
      facts: { nodes: [], dnsServices: null, dnsServicesUnread: null },
      cniRecords: NO_CNI_RECORDS,
      networkPolicies: NO_NETWORK_POLICIES,
      serviceEndpoints: NO_SERVICE_ENDPOINTS,
    },
    batches.map((nodes) => ({ nodes: nodes.map((name) => ({ node: { name } })) })),
  );
  for (const [batch, nodes] of batches.entries())
    await keepResults(
      store,
      run,
      batch,
      nodes.map((node, index) => resultOf(node, batch * BATCH + index, pods, each)),
    );
}

/** A node like the recorded ones; one of every `each` nodes has pods without a network. */
function resultOf(node: string, index: number, pods: number, each: number): NodeResult {
  const named = Array.from({ length: pods }, (_, pod) => ({
    namespace: `team-${pod % 40}`,
    name: `checkout-service-7c9d8f6b5d-${index}-${pod}`,
  }));
  return {
    node,
    coverage: { node, result: 'audited', reason: null, remedy: null },
    facts: {
      ...{
        node,
        pods,
        namespaces: pods + 1,
        orphans: 0,
        limit: 127_000,
        kernel: '6.12.40-63.114.amzn2023.x86_64',
      },
      ...{
        runtime: 'containerd://2.1.4',
        cni: 'aws-cni',
        osImage: 'Amazon Linux 2023.8',
        ami: 'ami-0123456789abcdef0',
      },
      ...{ instanceType: 'm7g.2xlarge', zone: 'eu-west-1a', nodegroup: 'general', probeMs: 700 },
    },
    tallies: catalogue.map(({ id }) => ({
      check: id,
      passed: pods,
      notApplicable: 3,
      unknown: 0,
      reasons: ['runs in the network namespace of its node'],
      unexamined: [
        `pod|kube-system|kube-proxy-${index}|${node}|`,
        `pod|kube-system|aws-node-${index}|${node}|`,
      ],
    })),
    failures: index % each === 0 ? named.map((pod) => failureOf(pod, node)) : [],
    podAddresses: named.map((pod, n) => ({
      address: `10.${index >> 8}.${index & 255}.${n + 2}`,
      node,
      pod: {
        ...pod,
        uid: `0b9f7c1e-5a1d-4c3e-9d2f-${String(index).padStart(6, '0')}${String(n).padStart(6, '0')}`,
      },
      namespace: 4_026_532_000 + n,
      network: 'aws-cni',
      inPodStatus: true,
      createdAt: '2026-11-20T10:11:12.123456789Z',
      podCreatedAt: '2026-11-20T10:11:08Z',
    })),
    debugPods: [],
    labels: Object.fromEntries(
      named.map(({ namespace, name }) => [
        `${namespace}/${name}`,
        { app: 'checkout', 'pod-template-hash': '7c9d8f6b5d', 'app.kubernetes.io/part-of': 'shop' },
      ]),
    ),
    pods: named.map(({ namespace, name }) => `${namespace}/${name}`),
  };
}

function failureOf(pod: { namespace: string; name: string }, node: string): CheckFailure {
  const step = {
    command: `kubectl get pod -n ${pod.namespace} ${pod.name} -o yaml`,
    purpose: 'look',
  } as const;
  return {
    check: 'pod-interface-down',
    object: { kind: 'pod', ...pod, node },
    severity: 'high',
    confidence: 'confirmed',
    detail: 'The interface eth0 of the pod is down: it sends and receives nothing until it is set up again.',
    evidence: [
      { what: 'state of eth0', expected: 'up', actual: 'down', source: 'ip link (netns 4026532000)' },
    ],
    remedy: [
      { ...step, text: 'See whether a controller owns the pod; save it first if none does.' },
      { ...step, text: 'Delete it; a new one gets an interface of its own.' },
    ],
  };
}
