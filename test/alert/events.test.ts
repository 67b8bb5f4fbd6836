import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { auditEventSchema, changesOf, eventsOf, findingEventSchema } from '../../lib/alert/index.ts';
import { catalogue } from '../../lib/checks/catalogue.ts';
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

describe('the runbook in docs/events.md', () => {
  const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');
  const [, text = ''] = /```yaml\n(schemaVersion[\s\S]*?)```/.exec(page) ?? [];
  const runbook = parse(text) as {
    parameters: Record<string, { allowedPattern?: string }>;
    mainSteps: { action: string; onFailure?: string; inputs: { Parameters?: { commands: string[] } } }[];
  };

  it('asks before it repairs, and ends where nobody approves', () => {
    expect(runbook.mainSteps.map(({ action }) => action)).toEqual(['aws:approve', 'aws:runCommand']);
    expect(runbook.mainSteps[0]?.onFailure).toBe('Abort');
    const used = [...text.matchAll(/\{\{ (\w+) \}\}/g)].map(([, name]) => name);
    expect([...new Set(used)].toSorted()).toEqual(Object.keys(runbook.parameters).toSorted());
  });

  it('takes nothing into a shell but the name of a check and of a context', () => {
    const [command = ''] = runbook.mainSteps[1]?.inputs.Parameters?.commands ?? [];
    const names = [...command.matchAll(/\{\{ (\w+) \}\}/g)].map(([, name]) => name ?? '');
    expect(names).toEqual(['Context', 'Check']);
    for (const name of names) {
      const pattern = new RegExp(runbook.parameters[name]?.allowedPattern ?? '');
      for (const attack of ['a; reboot', '$(reboot)', 'a\nreboot', '`reboot`', ''])
        expect(attack).not.toMatch(pattern);
    }
    const ids = new RegExp(runbook.parameters.Check?.allowedPattern ?? '^$');
    for (const { id } of catalogue) expect(id).toMatch(ids);
    expect(names.length).toBe(2);
  });

  it('runs a command with options that there are', () => {
    const [command = ''] = runbook.mainSteps[1]?.inputs.Parameters?.commands ?? [];
    const options = ['commands/remediate.ts', 'options.ts']
      .map((path) => readFileSync(new URL(`../../bin/${path}`, import.meta.url), 'utf8'))
      .join();
    const found = [...command.matchAll(/--\w+/g)].map(([option]) => option);
    expect(found).toHaveLength(5);
    for (const option of found) expect(options).toMatch(new RegExp(`'${option}[ ']`));
  });
});
