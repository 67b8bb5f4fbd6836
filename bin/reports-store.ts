/** Shared by all commands on earlier reports: options, the store, and the report that is meant. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, Option } from 'commander';
import type { OnDamage, Run, Store } from '../lib/history/index.ts';
import { AuditError } from '../lib/model/errors.ts';
import type { Narrowing } from '../lib/model/narrowing.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { jsonText } from '../lib/report/escape.ts';
import { days } from './options.ts';

export type Common = { readonly store?: string; readonly cluster?: string; readonly color: boolean };

/** A subcommand of `reports`, with their common options. */
export function subcommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--store <place>', 'directory or s3://bucket/prefix (default: your data directory)')
    .option('--cluster <name>', 'only this cluster')
    .option('--no-color', 'no colours (NO_COLOR does the same)');
}

/**
 * The report that is meant. A damaged one is replaced by the next that fits the reference, which for `latest`
 * is the one before.
 *
 * @throws AuditError USAGE where the store has no such report, or the reference fits several clusters;
 *   STORE where it is damaged
 */
export async function reportOf(
  store: Store,
  reference: string,
  options: { cluster?: string },
  onDamage: OnDamage,
): Promise<ClusterReport> {
  if (reference === 'previous')
    return await reportBefore(store, await reportOf(store, 'latest', options, onDamage), onDamage);
  const { reportOfRun, latestReportOf, runs, unlessDamaged } = await import('../lib/history/index.ts');
  const names = await clusterNames(store, options);
  const byRunId = /^\d{8}T\d{6}Z-[0-9a-z]+$/.test(reference);
  if (!byRunId && names.length > 1)
    throw new AuditError('USAGE', `${store.location} has several clusters`, {
      remedy: `Name one with --cluster: ${names.slice(0, 20).join(', ')}`,
    });
  let damage: AuditError | null = null;
  const tell: OnDamage = (each) => {
    damage ??= each;
    onDamage(each);
  };
  const read = (run: Run): Promise<ClusterReport | null> =>
    unlessDamaged(() => reportOfRun(store, run), tell);
  for (const cluster of names) {
    const run: Run | null = byRunId ? { cluster, runId: reference } : null;
    if (reference === 'latest') {
      const latest = await latestReportOf(store, cluster, tell);
      if (latest !== null) return latest;
      for await (const found of runs(store, [cluster], days('1y'), today(), tell)) {
        const part = await read(found);
        if (part !== null) return part;
      }
    } else if (/^\d{4}-\d{2}-\d{2}$/.test(reference)) {
      // A reference to a day means a full audit, not hourly counts or audits of a few nodes.
      let part: ClusterReport | null = null;
      for await (const found of runs(store, [cluster], reference, reference, tell)) {
        const report = await read(found);
        if (report?.scope === 'cluster') return report;
        part ??= report;
      }
      if (part !== null) return part;
    }
    const report = run === null ? null : await read(run);
    if (report !== null) return report;
  }
  if (damage !== null)
    throw new AuditError('STORE', `${store.location} has no report ${reference} that can be read`, {
      remedy: 'See what else there is: netns-audit reports list',
    });
  throw new AuditError('USAGE', `${store.location} has no report ${reference}`, {
    remedy: 'See what there is: netns-audit reports list',
  });
}

/** The audit of the whole cluster before this one. @throws AuditError USAGE when there is none in the last year */
export async function reportBefore(
  store: Store,
  report: ClusterReport,
  onDamage: OnDamage,
): Promise<ClusterReport> {
  const { reportOfRun, runs, unlessDamaged } = await import('../lib/history/index.ts');
  for await (const run of runs(store, [report.cluster.name], days('1y'), today(), onDamage)) {
    if (run.runId >= report.runId) continue;
    const earlier = await unlessDamaged(() => reportOfRun(store, run), onDamage);
    if (earlier?.scope === 'cluster') return earlier;
  }
  throw new AuditError(
    'USAGE',
    `${store.location} has no report of ${report.cluster.name} before ${report.runId}`,
    {
      remedy: 'See what there is: netns-audit reports list',
    },
  );
}

/** Options that ask for a check or a node. */
export function addNarrowing(command: Command, what: string): Command {
  return command
    .option('--check <id>', `${what} of this check`)
    .option('--node <name>', `${what} on this node`);
}

/** The part of the report about the given check and node, with its own verdict. @throws AuditError USAGE */
export async function askedPart(report: ClusterReport, asked: Narrowing): Promise<ClusterReport> {
  if (asked.check === undefined && asked.node === undefined) return report;
  const { narrowed } = await import('../lib/diagnosis/part.ts');
  const part = narrowed(report, asked);
  for (const [name, there] of [
    [asked.check, part.coverage.checks.length > 0],
    [asked.node, part.coverage.nodes.length > 0],
  ] as const)
    if (name !== undefined && !there && part.findings.length + part.resolved.length === 0)
      throw new AuditError('USAGE', `run ${report.runId} knows no ${name}`, {
        remedy: 'Look for it in the whole report, or list runs with findings of it: netns-audit reports list',
      });
  return part;
}

/** The store that --store names, or the default one. @throws AuditError USAGE where it does not exist */
export async function opened({ store }: { store?: string }): Promise<Store> {
  const { assertThere, defaultStore, openStore } = await import('../lib/audit/stores.ts');
  const found = openStore(store ?? defaultStore());
  if (found !== null) {
    if (store !== undefined) await assertThere(found);
    return found;
  }
  throw new AuditError('USAGE', '--store none has no reports', {
    remedy: 'Use a directory or s3://bucket/prefix.',
  });
}

/** Clusters with reports in the store, or only the given one. */
export async function clusterNames(store: Store, { cluster }: { cluster?: string }): Promise<string[]> {
  const { clusters, hasReports } = await import('../lib/history/index.ts');
  if (cluster !== undefined && (await hasReports(store, cluster))) return [cluster];
  const names = await clusters(store);
  if (cluster !== undefined && names.length > 0)
    throw new AuditError('USAGE', `${store.location} has no reports of ${cluster}`, {
      remedy: `It has reports of: ${names.slice(0, 20).join(', ')}`,
    });
  if (names.length > 0) return names;
  const first = store.location.startsWith('s3://')
    ? 'If a stack writes to it, its first run has not ended yet (docs/operations.md, Deploy, says how to start one); else run netns-audit audit first'
    : 'Run netns-audit audit first';
  throw new AuditError('USAGE', `${store.location} has no reports`, {
    remedy: `${first}, name another --store, or name a --cluster if only parts of it were audited.`,
  });
}

/** The option `-o` of commands that print text or JSON. */
export function textOrJson(): Option {
  return new Option('-o, --output <format>', 'what goes to standard output')
    .choices(['text', 'json'])
    .default('text');
}

/** A value as `-o json` prints it. */
export function json(value: unknown): string {
  return `${jsonText(value, 2)}\n`;
}

/** Today, in UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The URL for a browser: a file, or the object's page in the console. */
export function hrefOf(store: Store, key: string): string {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store.location) ?? [];
  if (bucket === undefined) return pathToFileURL(join(resolve(store.location), key)).href;
  const object = encodeURIComponent(`${prefix ? `${prefix}/` : ''}${key}`);
  return `https://s3.console.aws.amazon.com/s3/object/${bucket}?prefix=${object}`;
}
