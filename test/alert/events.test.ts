import { describe, expect, it } from 'vitest';
import { auditEventSchema, changesOf, eventsOf, findingEventSchema } from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aHostileReport, aReport } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({});
const links = { page: 'https://console', command: 'netns-audit reports show' };
const night = { startedAt: '2026-01-03T03:04:05Z', runId: '20260103T030405Z-0a1b2c3d' };

/** Events of two nights, the second reported after the first. */
function ofTwoNights(first: ClusterReport, second: ClusterReport) {
  const before = changesOf(first, null, thresholds);
  const record = {
    runId: first.runId,
    cluster: '',
    message: null,
    schemaVersion: 1,
    kind: 'AlertRecord',
  } as const;
  return eventsOf(second, changesOf(second, { ...record, ...before.next }, thresholds), links);
}

describe('events of a run', () => {
  it('are one for each finding that changed, worst first, and last one for the audit', () => {
    const findings = [
      aFinding({ fingerprint: 'b', severity: 'high' }),
      aFinding({ fingerprint: 'a', severity: 'critical' }),
    ];
    const report = aReport({ findings, verdict: 'critical' });
    const events = eventsOf(report, changesOf(report, null, thresholds), links);
    expect(events.map(({ type }) => type)).toEqual(['Finding changed', 'Finding changed', 'Cluster audited']);
    expect(events[0]?.detail).toMatchObject({
      id: `${report.runId}/a/new`,
      change: 'new',
      finding: { fingerprint: 'a', severity: 'critical' },
      report: links,
    });
    expect(events[2]?.detail).toMatchObject({
      id: `${report.runId}/audit`,
      verdict: 'critical',
      findings: { critical: 1, high: 1, medium: 0, low: 0 },
      changed: 2,
      sent: 2,
    });
  });

  it('say what became worse and what is over, and nothing of what is as it was', () => {
    const [worse, over, same] = ['worse', 'over', 'same'].map((fingerprint) =>
      aFinding({ fingerprint, severity: 'high' }),
    ) as [ReturnType<typeof aFinding>, ReturnType<typeof aFinding>, ReturnType<typeof aFinding>];
    const events = ofTwoNights(
      aReport({ findings: [worse, over, same] }),
      aReport({
        ...night,
        findings: [
          { ...worse, severity: 'critical', state: 'open' },
          { ...same, state: 'open' },
        ],
        resolved: [{ ...over, state: 'resolved', resolution: 'not seen any more' }],
      }),
    );
    expect(
      events.map(({ detail }) =>
        'change' in detail ? [detail.finding.fingerprint, detail.change, detail.was] : [],
      ),
    ).toEqual([['worse', 'worse', 'high'], ['over', 'resolved', 'high'], []]);
  });

  it('are as the published schema says, whatever a node calls things, and small enough to be sent by ten', () => {
    const report = aHostileReport();
    for (const { type, detail } of eventsOf(report, changesOf(report, null, thresholds), links)) {
      const schema = type === 'Finding changed' ? findingEventSchema : auditEventSchema;
      expect(schema.strict().safeParse(detail).error).toBeUndefined();
      const text = JSON.stringify(detail);
      expect(Buffer.byteLength(text)).toBeLessThan(25_000);
      // Shown as by printable(), not sent raw.
      expect(text).not.toMatch(/(?<!\\)\\u00[01]|\p{Cf}/u);
    }
  });

  it('are five thousand findings at most, the worst, and say how many there were', () => {
    const findings = Array.from({ length: 5_010 }, (_, n) =>
      aFinding({ fingerprint: `f${n}`, severity: n < 5_005 ? 'high' : 'critical' }),
    );
    const report = aReport({ findings });
    const events = eventsOf(report, changesOf(report, null, thresholds), links);
    expect(events).toHaveLength(5_001);
    expect(events[0]?.detail).toMatchObject({ finding: { severity: 'critical' } });
    expect(events.at(-1)?.detail).toMatchObject({ changed: 5_010, sent: 5_000 });
  });
});
