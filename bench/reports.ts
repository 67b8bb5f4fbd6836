/**
 * How fast history is read: writes two years of nightly reports of 20 clusters to a directory (kept for the
 * next run), then times the commands on it. `npm run bench:reports -- [DIRECTORY]`
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { keys } from '../lib/history/index.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { newRunId } from '../lib/model/run-id.ts';
import { rows } from '../lib/report/index.ts';
import { aFinding, aReport } from '../test/report/sample.ts';

const CLUSTERS = 20;
const NIGHTS = 730;
const NODES = 12;

const directory = process.argv[2] ?? join(tmpdir(), 'netns-audit-bench-reports');
if (!existsSync(directory)) make();

const cli = new URL('../bin/netns-audit.ts', import.meta.url).pathname;
for (const args of [
  ['reports', 'list'],
  ['reports', 'list', '--since', '90d', '--node', 'node-none'],
  ['reports', 'trend', 'orphans', '--since', '2y'],
  ['reports', 'trend', 'orphans', '--since', '2y', '--cluster', 'prod-3', '--by', 'node'],
  [
    'reports',
    'query',
    "SELECT cluster, max(orphans) FROM nodes WHERE dt >= '2026-11-01' GROUP BY 1 ORDER BY 2 DESC",
  ],
  ['reports', 'query', 'SELECT cluster, max(orphans) FROM nodes GROUP BY 1 ORDER BY 2 DESC'],
]) {
  const started = performance.now();
  const out = execFileSync(process.execPath, [cli, ...args, '--store', directory], { encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  console.log(`${seconds} s  netns-audit ${args.join(' ')}\n${out.split('\n').slice(0, 4).join('\n')}\n`);
}

function make(): void {
  const today = Date.now();
  for (let cluster = 0; cluster < CLUSTERS; cluster += 1) {
    const name = `prod-${cluster}`;
    for (let night = NIGHTS - 1; night >= 0; night -= 1) {
      const report = reportOf(name, new Date(today - night * 86_400_000), cluster, NIGHTS - night);
      const run = { cluster: name, runId: report.runId };
      put(keys.report(run), JSON.stringify(report));
      put(keys.findings(run), gzipSync(rows(report, 'findings')));
      put(keys.nodes(run), gzipSync(rows(report, 'nodes')));
      if (night === 0) put(keys.latest(name), JSON.stringify({ runId: run.runId, report: keys.report(run) }));
    }
  }
}

/** Leaks that grow for a hundred days on one node, until the node is replaced. */
function reportOf(name: string, at: Date, cluster: number, day: number): ClusterReport {
  const report = aReport({
    runId: newRunId(at, name),
    cluster: { name, uid: `uid-${cluster}`, version: 'v1.36.0' },
    startedAt: at.toISOString(),
    finishedAt: at.toISOString(),
    verdict: day % 5 === 0 ? 'critical' : 'healthy',
    findings: day % 5 === 0 ? [aFinding()] : [],
  });
  const [facts] = report.nodes;
  if (facts === undefined) throw new Error('the sample has no node');
  const nodes = Array.from({ length: NODES }, (_, n) => {
    const orphans = n === cluster % NODES ? (day + 7 * cluster) % 100 : 0;
    return { ...facts, node: `node-${n}`, namespaces: 12 + orphans, orphans };
  });
  const coverage = nodes.map(({ node }) => ({
    node,
    result: 'audited' as const,
    reason: null,
    remedy: null,
  }));
  return { ...report, nodes, coverage: { ...report.coverage, nodes: coverage } };
}

function put(key: string, body: string | Uint8Array): void {
  const path = join(directory, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, body);
}
