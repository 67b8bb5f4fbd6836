/**
 * A synthetic cluster through a month of nights, audited by everything but the probe: conclude, compare,
 * keep, report.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Notifier } from '../../lib/alert/index.ts';
import { concludeClusterOfFleet } from '../../lib/audit/fleet/index.ts';
import { publish } from '../../lib/audit/index.ts';
import { tell } from '../../lib/audit/tell.ts';
import { catalogue } from '../../lib/checks/catalogue.ts';
import type { AnyCheck } from '../../lib/checks/define.ts';
import { diagnoseCluster } from '../../lib/diagnosis/diagnose-cluster.ts';
import { DirectoryStore, latestReport } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { type Exception, exceptionSchema } from '../../lib/model/exception.ts';
import type { AuditedObject, Severity } from '../../lib/model/finding.ts';
import type { NodeResult } from '../../lib/model/node-result.ts';
import { type ClusterReport, NODE_REMOVED } from '../../lib/model/report.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { nothingDamaged } from '../history/nothing-damaged.ts';

export type Fault = {
  readonly check: string;
  readonly object: AuditedObject;
  readonly detail: string;
  readonly step?: string;
  readonly command?: string;
  readonly severity?: Severity;
};

/** What one night finds. */
export type Night = {
  readonly faults: readonly Fault[];
  /** Default: eight. */
  readonly nodes?: readonly string[];
  /** Nodes that were removed during the audit. */
  readonly removed?: readonly string[];
  /** Nodes that could not be probed. */
  readonly away?: readonly string[];
  /** Orphaned namespaces by node. */
  readonly orphans?: Readonly<Record<string, number>>;
  readonly exceptions?: readonly Exception[];
  readonly uid: string;
  /** Checks that have since been renamed. */
  readonly renamed?: Readonly<Record<string, string>>;
};

export type Mail = { readonly day: number; readonly subject: string; readonly text: string };

const { thresholds } = settingsSchema.parse({});
const nodes = Array.from({ length: 8 }, (_, n) => `node-${n + 1}`);

export const pod = (namespace: string, name: string, node: string): AuditedObject => ({
  kind: 'pod',
  namespace,
  name,
  node,
});

export const anException = (exception: Omit<Exception, 'clusters'>): Exception =>
  exceptionSchema.parse(exception);

/** @param night - 'missing': no run began; 'unreachable': one began but could not reach the cluster */
export async function month(
  days: number,
  night: (day: number) => Night | 'missing' | 'unreachable',
): Promise<{ readonly mails: readonly Mail[]; readonly reports: ReadonlyMap<number, ClusterReport> }> {
  const directory = await mkdtemp(join(tmpdir(), 'netns-audit-month-'));
  const store = new DirectoryStore(directory);
  const mails: Mail[] = [];
  const reports = new Map<number, ClusterReport>();
  let today = 0;
  const notifier: Notifier = {
    destination: 'the topic',
    async send({ subject, text }) {
      // The store's place differs between tests, and the number of checks between versions.
      mails.push({
        day: today,
        subject,
        text: text.replaceAll(store.location, 's3://audits').replace(/\d+ checks/, 'all checks'),
      });
      return `id-${mails.length}`;
    },
  };
  const deps = {
    notifiers: [notifier],
    consoleRegion: null,
    version: '0.1.0',
    expectedWithinHours: 26,
    onDamage: nothingDamaged,
  };
  try {
    for (today = 1; today <= days; today += 1) {
      // The schedule is flexible: no two nights begin at the same minute.
      const at = new Date(Date.UTC(2026, 10, today, 2, (today * 7) % 15, 0));
      const runId = newRunId(at, 'nightly');
      const found = night(today);
      if (found === 'missing') continue;
      if (found === 'unreachable') {
        const cluster = { name: 'prod-eu', kubeconfigSecret: 'arn:aws:secretsmanager:eu-west-1:1:secret:x' };
        const task = { runId, cluster, checks: 'all' as const, settings: settingsSchema.parse({}) };
        const failure = { code: 'CLUSTER_UNREACHABLE', message: 'connect ETIMEDOUT 10.0.0.1:443' };
        await concludeClusterOfFleet(store, { task, failure }, deps);
        continue;
      }
      const cluster = { name: 'prod-eu', uid: found.uid, version: 'v1.36.2' };
      const checks = catalogue
        .filter((check) => check.active === undefined)
        .map((check) => rename(check, found.renamed?.[check.id]));
      const report = diagnoseCluster({
        runId,
        cluster,
        scope: 'cluster',
        startedAt: at.toISOString(),
        finishedAt: new Date(at.getTime() + 40_000).toISOString(),
        auditorVersion: '0.1.0',
        results: (found.nodes ?? nodes).map((node) => resultOf(node, found, checks)),
        checks,
        previous: await latestReport(store, cluster, nothingDamaged),
        settleSeconds: { pod: 300, orphan: 900 },
        exceptions: found.exceptions ?? [],
      });
      reports.set(today, report);
      await publish(store, report);
      await tell(store, report, thresholds, deps);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  return { mails, reports };
}

function rename(check: AnyCheck, id: string | undefined): AnyCheck {
  return id === undefined ? check : { ...check, id, formerly: [check.id] };
}

function resultOf(node: string, night: Night, checks: readonly AnyCheck[]): NodeResult {
  const faults = night.faults.filter(
    ({ object }) => object.node === node || (object.kind === 'node' && object.name === node),
  );
  const pods = [
    ...Array.from({ length: 12 }, (_, n) => `shop/other-${node}-${n}`),
    ...faults.flatMap(({ object }) => (object.kind === 'pod' ? [`${object.namespace}/${object.name}`] : [])),
  ];
  const base = { node, podAddresses: [], debugPods: [], labels: {} };
  const isRemoved = night.removed?.includes(node) === true;
  if (isRemoved || night.away?.includes(node) === true)
    return {
      ...base,
      coverage: isRemoved
        ? { node, result: 'skipped', reason: NODE_REMOVED, remedy: null }
        : { node, result: 'failed', reason: 'its kubelet does not answer', remedy: null },
      facts: null,
      tallies: [],
      failures: [],
      pods: [],
    };
  return {
    ...base,
    pods,
    coverage: { node, result: 'audited', reason: null, remedy: null },
    facts: {
      node,
      pods: pods.length,
      namespaces: pods.length + 1,
      orphans: night.orphans?.[node] ?? 0,
      limit: 63_000,
      kernel: '6.12.0',
      runtime: 'containerd://2.1.0',
      cni: 'aws-cni',
      osImage: 'Amazon Linux 2023',
      ami: null,
      instanceType: null,
      zone: null,
      nodegroup: null,
      probeMs: 700,
    },
    tallies: checks
      .filter((check) => check.scope === 'node')
      .map(({ id }) => ({
        check: id,
        passed: 5,
        notApplicable: 0,
        unknown: 0,
        reasons: [],
        unexamined: [],
      })),
    failures: faults.map(({ check, object, detail, step = 'Repair it.', command, severity }) => {
      const known = catalogue.find(({ id }) => id === check);
      if (known === undefined) throw new Error(`no check ${check}`);
      return {
        check: night.renamed?.[check] ?? check,
        object,
        severity: severity ?? known.severity,
        confidence: 'confirmed',
        detail,
        evidence: [],
        remedy: [{ purpose: 'repair', text: step, ...(command === undefined ? {} : { command }) }],
      };
    }),
  };
}
