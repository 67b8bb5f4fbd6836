import { describe, expect, it } from 'vitest';
import { type AlertRecord, changesOf, isNews } from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({});

/** What a day says after the days before it. */
function say(...days: ClusterReport[]) {
  let before: AlertRecord | null = null;
  let changes = changesOf(aReport(), null, thresholds);
  for (const report of days) {
    changes = changesOf(report, before, thresholds);
    const at = report.startedAt;
    before = {
      schemaVersion: 1,
      kind: 'AlertRecord',
      runId: report.runId,
      cluster: report.cluster.name,
      at,
      message: null,
      lastMessageAt: isNews(changes) ? at : ((before as AlertRecord | null)?.lastMessageAt ?? null),
      ...changes.next,
    };
  }
  return changes;
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
    expect(say(broken).fresh).toEqual([fault]);
    expect(isNews(say(broken, stillBroken(1)))).toBe(false);
  });

  it('for an open finding whose message was lost', () => {
    expect(say(stillBroken(1)).fresh).toHaveLength(1);
  });

  it('for one that became worse', () => {
    const worse = aReport({ findings: [{ ...fault, state: 'open', severity: 'critical' }] });
    expect(say(aReport({ findings: [{ ...fault, severity: 'high' }] }), worse).fresh).toHaveLength(1);
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
    expect(say(leaking).crossed).toEqual(['node-1 has 11 orphaned namespaces (more than 10)']);
    expect(isNews(say(leaking, leaking))).toBe(false);
    expect(say(leaking, aReport(), leaking).crossed).toHaveLength(1);
    expect(isNews(say(aReport({ nodes: [{ ...node, orphans: 10 }] })))).toBe(false);
  });

  it('when nodes were not audited', () => {
    const failed = { node: 'node-1', result: 'failed', reason: 'kubelet silent', remedy: null } as const;
    expect(say(aReport({ coverage: { nodes: [failed], checks: [] } })).crossed[0]).toContain(
      'kubelet silent',
    );
  });
});
