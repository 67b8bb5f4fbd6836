import { describe, expect, it } from 'vitest';
import {
  type AlertRecord,
  alertRecordSchema,
  changesOf,
  coverageShare,
  isNews,
} from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({});

/** What a day reports, after the days before it. */
function say(...days: ClusterReport[]) {
  let before: AlertRecord | null = null;
  let changes = changesOf(aReport(), null, thresholds);
  for (const report of days) {
    changes = changesOf(report, before, thresholds);
    before = recordOf(report, changes);
  }
  return changes;
}

function recordOf(report: ClusterReport, { next }: ReturnType<typeof changesOf>): AlertRecord {
  return {
    schemaVersion: 1,
    kind: 'AlertRecord',
    runId: report.runId,
    cluster: report.cluster.name,
    message: null,
    ...next,
  };
}

const fault = aFinding();
const broken = aReport({ verdict: 'critical', findings: [fault] });
const stillBroken = (day: number) =>
  aReport({
    findings: [{ ...fault, state: 'open' }],
    startedAt: `2026-01-${String(2 + day).padStart(2, '0')}T03:04:05Z`,
  });

describe('a message is sent', () => {
  it('never for a healthy cluster', () => {
    expect(isNews(say(aReport()))).toBe(false);
  });

  it('for a new finding, and not again on the next day', () => {
    expect(say(broken).fresh).toEqual([{ finding: fault, reason: 'new', was: null, exception: null }]);
    expect(isNews(say(broken, stillBroken(1)))).toBe(false);
  });

  it('not once more because the record of what was told is of an older version', () => {
    const { fingerprint, severity, check, object } = fault;
    const old = alertRecordSchema.parse({
      schemaVersion: 1,
      kind: 'AlertRecord',
      runId: broken.runId,
      cluster: 'prod-eu',
      at: broken.startedAt,
      message: null,
      lastMessageAt: broken.startedAt,
      told: [{ fingerprint, severity, check, object }],
      crossed: [],
    });
    expect(isNews(changesOf(stillBroken(1), old, thresholds))).toBe(false);
    expect(changesOf(stillBroken(7), old, thresholds).reminder).toHaveLength(1);
  });

  it('for an open finding whose message was lost', () => {
    expect(say(stillBroken(1)).fresh).toMatchObject([{ reason: 'untold' }]);
  });

  it('for one that became worse', () => {
    const worse = aReport({ findings: [{ ...fault, state: 'open', severity: 'critical' }] });
    expect(say(aReport({ findings: [{ ...fault, severity: 'high' }] }), worse).fresh).toMatchObject([
      { reason: 'worse', was: 'high' },
    ]);
  });

  it('not for what is pending, suppressed or of little weight', () => {
    const quiet = [
      aFinding({ state: 'pending' }),
      aFinding({ suppressed: { reason: 'known', owner: 'me', expires: '2026-02-01' } }),
      aFinding({ severity: 'medium' }),
    ];
    for (const finding of quiet) expect(isNews(say(aReport({ findings: [finding] })))).toBe(false);
  });

  it('for what is resolved, if somebody was told of it', () => {
    const over = aReport({ resolved: [{ ...fault, state: 'resolved' }] });
    expect(say(broken, over).resolved).toMatchObject([{ check: fault.check }]);
    const unimportant = aFinding({ severity: 'low' });
    expect(isNews(say(aReport({ findings: [unimportant] }), aReport({ resolved: [unimportant] })))).toBe(
      false,
    );
  });

  it('not of resolution when only a part of the cluster was looked at', () => {
    expect(isNews(say(broken, aReport({ scope: 'part' })))).toBe(false);
  });

  it('as a reminder when it stays open for a week', () => {
    expect(isNews(say(broken, stillBroken(6)))).toBe(false);
    expect(say(broken, stillBroken(7)).reminder).toHaveLength(1);
    expect(isNews(say(broken, stillBroken(7), stillBroken(8)))).toBe(false);
  });

  it('when a threshold is crossed, once, and again after it was well in between', () => {
    const [node] = aReport().nodes;
    if (node === undefined) throw new Error('no node');
    const leaking = aReport({ nodes: [{ ...node, orphans: 11 }] });
    expect(say(leaking).crossed).toEqual([
      {
        key: 'orphaned namespaces of node-1',
        text: 'node-1 has 11 orphaned namespaces (more than 10)',
        advice: expect.stringContaining('namespace-orphaned finding in the report'),
      },
    ]);
    expect(isNews(say(leaking, leaking))).toBe(false);
    expect(say(leaking, aReport(), leaking).crossed).toHaveLength(1);
    expect(isNews(say(aReport({ nodes: [{ ...node, orphans: 10 }] })))).toBe(false);
  });

  it('when nodes were not audited', () => {
    const failed = { node: 'node-1', result: 'failed', reason: 'kubelet silent', remedy: null } as const;
    expect(say(aReport({ coverage: { nodes: [failed], checks: [] } })).crossed[0]?.text).toContain(
      'kubelet silent',
    );
  });

  it('of a cluster that was scaled to zero, or has Fargate alone, only that what was there is gone', () => {
    const skipped = { node: 'fargate', result: 'skipped', reason: 'Fargate', remedy: null } as const;
    for (const nodes of [[], [skipped]]) {
      const empty = aReport({ coverage: { nodes, checks: [] }, nodes: [], findings: [] });
      const limits = {
        ...thresholds,
        coverage: 1,
        metrics: [{ metric: 'pods' as const, per: 'cluster' as const, above: 0 }],
      };
      const { crossed } = changesOf(empty, null, limits);
      expect(crossed).toEqual([]);
      expect(coverageShare(empty)).toBe(1);
    }
  });

  it('of what an exception ends, though it was there all along', () => {
    const suppressed = { reason: 'known', owner: 'me', expires: '2026-01-02' };
    const excepted = aReport({ findings: [{ ...fault, state: 'open', suppressed }] });
    // Reported, then excepted: nothing more is reported until the exception ends.
    expect(isNews(say(broken, excepted))).toBe(false);
    expect(isNews(say(broken, excepted, aReport()))).toBe(false);
    expect(say(broken, excepted, stillBroken(3)).fresh).toMatchObject([{ reason: 'notExcepted' }]);
  });

  it('of the cause, and not of each symptom that the next nights bring', () => {
    const cause = aFinding({ fingerprint: 'cause', check: 'cni-plugin-missing' });
    const symptom = aFinding({ fingerprint: 's1', check: 'sandbox-create-failing', partOf: 'cause' });
    const first = aReport({ findings: [cause, symptom] });
    expect(say(first).fresh).toMatchObject([{ finding: { fingerprint: 'cause' } }]);
    const another = { ...symptom, fingerprint: 's2' };
    expect(isNews(say(first, aReport({ findings: [cause, symptom, another] })))).toBe(false);
    // Repaired, but one pod still fails: nothing explains that any more.
    const alone = { ...another, partOf: null };
    expect(say(first, aReport({ findings: [alone], resolved: [cause] })).fresh).toMatchObject([
      { finding: { fingerprint: 's2' } },
    ]);
    // A cause of low severity explains nothing away.
    const mild = aReport({ findings: [{ ...cause, severity: 'low' }, symptom] });
    expect(say(mild).fresh).toMatchObject([{ finding: { fingerprint: 's1' } }]);
  });

  it('not of what was told of another cluster under the same name, but that it ended', () => {
    const other = aReport({ cluster: { name: 'prod-eu', uid: 'another', version: 'v1.37.0' } });
    expect(say(broken, other)).toMatchObject({ resolved: [], replaced: [{ check: fault.check }] });
    expect(isNews(say(broken, other, { ...other, runId: 'next' }))).toBe(false);
    // A fault that only the new cluster has is new.
    expect(say(broken, { ...other, findings: [fault] }).fresh).toMatchObject([{ reason: 'new' }]);
    expect(isNews(say(aReport(), other))).toBe(false);
  });

  it('that audits were left out, where nobody else watches', () => {
    const last = recordOf(aReport(), changesOf(aReport(), null, thresholds));
    const later = (hour: string) => changesOf(aReport({ startedAt: hour }), last, thresholds, 26);
    expect(later('2026-01-03T05:00:00Z').gapSince).toBeNull();
    expect(later('2026-01-04T03:00:00Z').gapSince).toBe('2026-01-02T03:04:05Z');
    expect(changesOf(aReport({ startedAt: '2026-01-04T03:00:00Z' }), last, thresholds).gapSince).toBeNull();
  });
});

describe('runs by the hour, between two audits', () => {
  const nightly = aReport({ verdict: 'critical', findings: [fault] });
  // Each is compared with the nightly audit, which had the fault.
  const there = aReport({ scope: 'part', findings: [{ ...fault, state: 'open' }] });
  const gone = aReport({ scope: 'part', resolved: [{ ...fault, state: 'resolved' }] });
  const blind = aReport({ scope: 'part', findings: [{ ...fault, state: 'open', notSeen: true }] });
  /** What each run reports: reasons of findings, and what is resolved. */
  function hours(...reports: ClusterReport[]): string[] {
    let before: AlertRecord | null = null;
    return reports.map((report) => {
      const changes = changesOf(report, before, thresholds);
      before = recordOf(report, changes);
      const resolved = changes.resolved.map(() => 'resolved');
      return [
        ...changes.fresh.map(({ reason }) => reason),
        ...resolved,
        ...changes.back.map(({ text }) => text),
      ].join();
    });
  }

  it('say once what is over, and nothing of it in the night', () => {
    expect(hours(nightly, there, gone, gone, aReport())).toEqual(['new', '', 'resolved', '', '']);
  });

  it('say that it is back, and when it goes on so, that it comes and goes', () => {
    expect(hours(nightly, gone, there, gone, there, gone, there, nightly)).toEqual([
      'new',
      'resolved',
      'back',
      'resolved',
      'flapping',
      '',
      '',
      '',
    ]);
  });

  it('do not take it for back when its node could not be looked at', () => {
    expect(hours(nightly, gone, blind, there)).toEqual(['new', 'resolved', '', 'back']);
  });

  it('say nothing of what they do not look for', () => {
    expect(hours(nightly, aReport({ scope: 'part' }), there)).toEqual(['new', '', '']);
  });

  it('leave thresholds of nodes alone that they have no word of', () => {
    const [node] = aReport().nodes;
    if (node === undefined) throw new Error('no node');
    const crossed = aReport({ nodes: [{ ...node, orphans: 11 }] });
    const other = aReport({
      scope: 'part',
      nodes: [{ ...node, node: 'node-2' }],
      coverage: { nodes: [{ node: 'node-2', result: 'audited', reason: null, remedy: null }], checks: [] },
    });
    expect(hours(crossed, other, crossed, aReport())).toEqual([
      '',
      '',
      '',
      'node-1 is back to 0 orphaned namespaces (at most 10)',
    ]);
  });

  it('remind of nothing: that is left to the audit of the whole', () => {
    const later = { ...there, startedAt: '2026-01-12T03:04:05Z' };
    const reminder = (report: ClusterReport) => say(nightly, report).reminder;
    expect(reminder(later)).toEqual([]);
    expect(reminder({ ...later, scope: 'cluster' })).toHaveLength(1);
  });
});

describe('a threshold on any number of the nodes', () => {
  const [node] = aReport().nodes;
  if (node === undefined) throw new Error('no node');
  const on = (day: number, pods: number | null, result: 'audited' | 'failed' = 'audited') =>
    aReport({
      startedAt: `2026-01-${String(2 + day).padStart(2, '0')}T03:04:05Z`,
      nodes: pods === null ? [] : [{ ...node, pods }],
      coverage: { nodes: [{ node: 'node-1', result, reason: null, remedy: null }], checks: [] },
    });
  /** What each day reports about the threshold: crossed, back, or nothing. */
  function days(per: 'node' | 'cluster', ...reports: ClusterReport[]): string[] {
    const own = { ...thresholds, coverage: 0, metrics: [{ metric: 'pods' as const, per, above: 100 }] };
    let before: AlertRecord | null = null;
    return reports.map((report) => {
      const changes = changesOf(report, before, own);
      before = recordOf(report, changes);
      return [...changes.crossed, ...changes.back, ...changes.thresholdReminder]
        .map(({ text }) => text)
        .join();
    });
  }

  it('is told when it is crossed and when it is back, of a node and of a cluster', () => {
    expect(days('node', on(0, 101), on(1, 120), on(2, 100), on(3, 90))).toEqual([
      'node-1 has 101 pods (more than 100)',
      '',
      'node-1 is back to 100 pods (at most 100)',
      '',
    ]);
    expect(days('cluster', on(0, 101), on(1, 100))[0]).toBe('the cluster has 101 pods (more than 100)');
  });

  it('is told once, also where two of one cluster go by the same number', () => {
    const metrics = [100, 110, 110].map((above) => ({
      metric: 'pods' as const,
      per: 'cluster' as const,
      above,
    }));
    const own = { ...thresholds, metrics };
    const first = changesOf(on(0, 120), null, own);
    expect(first.crossed.map(({ text }) => text)).toEqual([
      'the cluster has 120 pods (more than 100)',
      'the cluster has 120 pods (more than 110)',
    ]);
    expect(isNews(changesOf(on(1, 120), recordOf(on(0, 120), first), own))).toBe(false);
  });

  it('is not back because its node was not audited, but when the node is gone', () => {
    expect(days('node', on(0, 101), on(1, null, 'failed'), on(2, 101))).toEqual([
      'node-1 has 101 pods (more than 100)',
      '',
      '',
    ]);
    const gone = { ...on(1, null), coverage: { nodes: [], checks: [] } };
    expect(days('node', on(0, 101), gone)[1]).toContain('no longer measured');
  });

  it('that swings is told once as such, until it was stable for a week', () => {
    const swings = [101, 99, 101, 99, 101, 99, 101, 99].map((pods, day) => on(day, pods));
    expect(days('node', ...swings)).toEqual([
      'node-1 has 101 pods (more than 100)',
      'node-1 is back to 99 pods (at most 100)',
      'node-1 has 101 pods (more than 100), again',
      'node-1 is back to 99 pods (at most 100)',
      'node-1 has 101 pods (more than 100); it comes and goes: reported again once stable for a week',
      '',
      '',
      '',
    ]);
    expect(days('node', ...swings, on(13, 99), on(14, 99)).slice(-2)).toEqual([
      '',
      'node-1 is back to 99 pods (at most 100), for a week',
    ]);
  });

  it('is reminded of after a week', () => {
    expect(days('node', on(0, 101), on(6, 101), on(7, 102), on(8, 102))).toEqual([
      'node-1 has 101 pods (more than 100)',
      '',
      'node-1 has 102 pods (more than 100)',
      '',
    ]);
  });

  it('does not count what exceptions cover', () => {
    const suppressed = { reason: 'known', owner: 'me', expires: '2026-02-01' };
    const orphans = Array.from({ length: 11 }, (_, n) =>
      aFinding({
        fingerprint: `o${n}`,
        check: 'namespace-orphaned',
        suppressed: n === 0 ? suppressed : null,
        severity: 'low',
      }),
    );
    const report = (findings: typeof orphans) => aReport({ findings, nodes: [{ ...node, orphans: 11 }] });
    expect(say(report(orphans)).crossed).toEqual([]);
    expect(say(report(orphans.slice(1))).crossed).toHaveLength(1);
  });
});
