// Compares the probe with the manual way on the same node: the commands of "How to Diagnose Pod Network
// Namespace Corruption", run with kubectl exec in each pod. Needs a kubeconfig whose node runs pods with a
// shell:
//   npm run bench:probe -- NODE
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the recipe runs in one pod: interfaces, addresses, routes, processes, resolver. */
const RECIPE = [
  'ip link show',
  'ip addr show',
  'ip route show',
  'ps aux',
  'cat /etc/resolv.conf',
  'nslookup kubernetes.default',
];

const node = process.argv[2];
if (node === undefined) throw new Error('name a node: npm run bench:probe -- NODE');

type Pod = {
  metadata: { name: string; namespace: string };
  spec: { hostNetwork?: boolean };
  status: { phase: string };
};
const { items } = JSON.parse(
  execFileSync('kubectl', ['get', 'pods', '-A', '-o', 'json', '--field-selector', `spec.nodeName=${node}`], {
    maxBuffer: 2 ** 28,
  }).toString(),
) as { items: Pod[] };
const pods = items.filter((pod) => pod.spec.hostNetwork !== true && pod.status.phase === 'Running');

function seconds(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const store = mkdtempSync(join(tmpdir(), 'netns-audit-bench-'));
const command = fileURLToPath(new URL('../bin/netns-audit.ts', import.meta.url));
let report = '';
const audit = seconds(() => {
  report = spawnSync(
    process.execPath,
    [command, 'audit', '--nodes', node, '--store', store, '--quiet', '-o', 'json'],
    { maxBuffer: 2 ** 28 },
  ).stdout.toString();
});
const { probeMs } = (JSON.parse(report) as { nodes: { probeMs: number }[] }).nodes[0] ?? {
  probeMs: Number.NaN,
};
const evidence =
  readdirSync(store, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.tar.gz'))
    .map((name) => statSync(join(store, name)).size)[0] ?? 0;

const recipe = seconds(() => {
  for (const pod of pods)
    for (const line of RECIPE)
      spawnSync(
        'kubectl',
        ['exec', '-n', pod.metadata.namespace, pod.metadata.name, '--', 'sh', '-c', line],
        { timeout: 30_000 },
      );
});

console.log(`${pods.length} pods with a network of their own on ${node}`);
console.log(`recipe by kubectl exec: ${recipe.toFixed(1)} s, ${pods.length * RECIPE.length} commands`);
console.log(
  `probe: ${(probeMs / 1000).toFixed(2)} s on the node, ratio ${((recipe * 1000) / probeMs).toFixed(0)}; whole audit: ${audit.toFixed(2)} s, ratio ${(recipe / audit).toFixed(0)}`,
);
console.log(
  `evidence kept: ${(evidence / 1000).toFixed(0)} kB, ${(evidence / pods.length / 1000).toFixed(1)} kB a pod`,
);
