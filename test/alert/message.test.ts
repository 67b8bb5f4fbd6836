import { describe, expect, it } from 'vitest';
import { changesOf, messageOf } from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({});
const links = {
  page: 'https://eu-west-1.console.aws.amazon.com/s3/object/audits?prefix=reports',
  command: 'netns-audit reports show 20260102T030405Z-0a1b2c3d --store s3://audits',
};

function message(report: ClusterReport) {
  return messageOf(report, changesOf(report, null, thresholds), links);
}

const many = aReport({
  verdict: 'critical',
  findings: Array.from({ length: 500 }, (_, n) =>
    aFinding({
      fingerprint: `f${n}`,
      severity: n === 499 ? 'critical' : 'high',
      object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: 'node-1' },
    }),
  ),
});

describe('a mail', () => {
  it('says the verdict first, names object and check, and gives the command that repairs it', () => {
    const { subject, text } = message(aReport({ verdict: 'critical', findings: [aFinding()] }));
    expect(subject).toBe('prod-eu: critical: 1 critical new');
    expect(text).toMatch(/^prod-eu is critical: 1 critical new\.\n/);
    expect(text).toContain('critical pod-interface-missing shop/web-1 on node-1');
    expect(text).toContain('$ kubectl delete pod -n shop web-1');
    expect(text).toContain(links.page);
    expect(text).toContain('netns-audit reports show 20260102T030405Z-0a1b2c3d');
  });

  it('has at most 40 lines of 72 columns but for the links, worst first, and says what it left out', () => {
    const lines = message(many).text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    for (const line of lines.filter((each) => !/https:|--store/.test(each)))
      expect(line.length).toBeLessThanOrEqual(72);
    expect(lines.find((line) => line.includes('web-'))).toContain('web-499');
    expect(lines.join('\n')).toMatch(/and [\d,]+ lines more, in the report/);
  });

  it('has a subject of printable ASCII, 99 characters at most', () => {
    const name = `Zürich\u202e\n${'x'.repeat(200)}`;
    const { subject } = message(
      aReport({ cluster: { name, uid: 'u', version: 'v' }, findings: [aFinding()] }),
    );
    expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
  });

  it('shows what a node says as text', () => {
    const { text } = message(aReport({ findings: [aFinding({ detail: '\u001b[2J\u202e' })] }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  it('fits into SNS with its JSON, however many findings there are', () => {
    const { text, json } = message(many);
    expect(Buffer.byteLength(text) + 3 * Buffer.byteLength(json)).toBeLessThan(200_000);
    expect(JSON.parse(json)).toMatchObject({ truncated: true, severity: 'critical' });
  });
});
