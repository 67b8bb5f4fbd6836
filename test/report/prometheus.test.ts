import { describe, expect, it } from 'vitest';
import { writePrometheus } from '../../lib/report/prometheus.ts';
import { aFinding, aHostileReport, aReport } from './sample.ts';

type Sample = { readonly labels: ReadonlyMap<string, string>; readonly value: number };

/**
 * Parses the text format 0.0.4 by its grammar, like a Pushgateway, and refuses what it or promtool refuse: a
 * sample before its HELP and TYPE, a family in two places, the same series twice, a timestamp, a malformed
 * label.
 */
function scrape(text: string): Map<string, Sample[]> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Sample[]>();
  const helped = new Set<string>();
  const series = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\]|\\\\|\\n)+$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (gauge|counter|untyped)$/.exec(line);
    if (help?.[1] !== undefined) {
      if (helped.has(help[1])) throw new Error(`second HELP: ${line}`);
      helped.add(help[1]);
    } else if (type?.[1] !== undefined) {
      if (!helped.has(type[1]) || families.has(type[1])) throw new Error(`out of place: ${line}`);
      current = type[1];
      families.set(current, []);
    } else {
      const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
      if (sample === null || sample[1] !== current) throw new Error(`no sample of ${current}: ${line}`);
      const labels = labelsOf(sample[2] ?? '');
      const key = `${current}${JSON.stringify([...labels])}`;
      if (series.has(key)) throw new Error(`twice: ${line}`);
      series.add(key);
      families.get(current)?.push({ labels, value: Number(sample[3]) });
    }
  }
  return families;
}

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest);
    if (pair?.[1] === undefined || labels.has(pair[1])) throw new Error(`malformed labels: ${rest}`);
    labels.set(
      pair[1],
      (pair[2] ?? '').replaceAll(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character)),
    );
    rest = rest.slice(pair[0].length);
  }
  return labels;
}

function value(text: string, name: string, labels: Record<string, string>): number | undefined {
  return scrape(text)
    .get(name)
    ?.find((sample) => Object.entries(labels).every(([label, each]) => sample.labels.get(label) === each))
    ?.value;
}

describe('the report as Prometheus metrics', () => {
  it('tells how many findings there are of each severity and state, zero among them', () => {
    const text = writePrometheus(
      aReport({
        verdict: 'critical',
        findings: [
          aFinding(),
          aFinding({
            fingerprint: 'f2',
            suppressed: { reason: 'known', owner: 'sre', expires: '2027-01-01' },
          }),
        ],
      }),
    );
    expect(value(text, 'netns_audit_findings', { severity: 'critical', state: 'new' })).toBe(1);
    expect(value(text, 'netns_audit_findings', { severity: 'critical', state: 'suppressed' })).toBe(1);
    expect(value(text, 'netns_audit_findings', { severity: 'high', state: 'open' })).toBe(0);
    expect(value(text, 'netns_audit_verdict', { verdict: 'critical' })).toBe(1);
    expect(value(text, 'netns_audit_verdict', { verdict: 'healthy' })).toBe(0);
    expect(value(text, 'netns_audit_last_run_timestamp_seconds', { cluster: 'prod-eu' })).toBe(1_767_323_049);
  });

  it('has the numbers of each node, and none where one could not be read', () => {
    const report = aReport();
    report.nodes = report.nodes.map((node) => ({ ...node, orphans: null }));
    const text = writePrometheus(report);
    expect(value(text, 'netns_audit_node_network_namespaces', { node: 'node-1' })).toBe(13);
    expect(scrape(text).has('netns_audit_node_orphaned_namespaces')).toBe(false);
  });

  it('keeps the same series from run to run', () => {
    const series = (runId: string): string =>
      writePrometheus(aReport({ runId })).replaceAll(/ [\d.]+$/gm, '');
    expect(series('20260102T030405Z-0a1b2c3d')).toBe(series('20260103T030405Z-ffffffff'));
  });

  it('is read as it should be whatever a node says', () => {
    const text = writePrometheus(aHostileReport());
    expect(scrape(text).get('netns_audit_findings')).toHaveLength(16);
    expect(
      scrape(writePrometheus(aReport({ cluster: { name: 'a"} 1\n# TYPE x\\', uid: 'u', version: 'v' } })))
        .size,
    ).toBe(scrape(writePrometheus(aReport())).size);
  });
});
