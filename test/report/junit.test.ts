import { readFileSync } from 'node:fs';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { describe, expect, it } from 'vitest';
import type { ClusterReport } from '../../lib/model/report.ts';
import { writeJunit } from '../../lib/report/junit.ts';
import { aFinding, aHostileReport, aReport } from './sample.ts';

const schema = XsdValidator.fromDoc(
  XmlDocument.fromString(readFileSync(new URL('./junit.xsd', import.meta.url), 'utf8')),
);

/** The document, parsed by libxml2 and validated against the schema. */
function parsed(report: ClusterReport): XmlDocument {
  const document = XmlDocument.fromString(writeJunit(report));
  schema.validate(document);
  return document;
}

function attribute(document: XmlDocument, path: string): string | undefined {
  return document.get(path)?.content;
}

describe('the report as JUnit XML', () => {
  it('passes where nothing failed', () => {
    const document = parsed(aReport());
    expect(attribute(document, '/testsuites/@failures')).toBe('0');
    expect(attribute(document, '//testsuite[@name="interfaces"]/testcase/@name')).toBe('12 objects passed');
    expect(attribute(document, '//testsuite[@name="nodes"]/testcase/@name')).toBe('node-1');
  });

  it('fails once for each object, with what was compared and how to repair it', () => {
    const report = aReport({ findings: [aFinding()] });
    report.coverage.checks = report.coverage.checks.map((check) => ({ ...check, failed: 1 }));
    const document = parsed(report);
    expect(attribute(document, '/testsuites/@tests')).toBe('3');
    expect(attribute(document, '/testsuites/@failures')).toBe('1');
    expect(attribute(document, '//testcase[@name="shop/web-1 on node-1"]/failure/@type')).toBe('critical');
    expect(attribute(document, '//failure')).toContain(
      'interfaces: expected eth0, found lo [ip link (netns 4026532400)]',
    );
    expect(attribute(document, '//failure')).toContain('\n  $ kubectl delete pod -n shop web-1');
  });

  it('does not fail for what is pending or suppressed, but shows it', () => {
    const document = parsed(
      aReport({
        findings: [
          aFinding({ state: 'pending' }),
          aFinding({ suppressed: { reason: 'known', owner: 'sre', expires: '2027-01-01' } }),
        ],
      }),
    );
    expect(attribute(document, '/testsuites/@failures')).toBe('0');
    expect(document.find('//testsuite[@name="interfaces"]/testcase/skipped')).toHaveLength(2);
  });

  it('has an error for what could not be judged: neither passed nor failed', () => {
    const report = aReport();
    report.coverage.nodes.push({
      node: 'node-2',
      result: 'failed',
      reason: 'OutOfpods',
      remedy: 'Free a pod slot.',
    });
    report.coverage.checks.push({
      check: 'host-route-missing',
      topic: 'routes',
      examined: 0,
      failed: 0,
      notApplicable: 0,
      unknown: 2,
      reasons: ['routes could not be read'],
    });
    const document = parsed(report);
    expect(attribute(document, '/testsuites/@errors')).toBe('2');
    expect(attribute(document, '//testcase[@name="node-2"]/error/@message')).toBe('failed: OutOfpods');
    expect(document.find('//testsuite[@name="routes"]/testcase')).toHaveLength(1);
  });

  it('shows a finding that is carried on from an earlier audit, though its check did not run', () => {
    const document = parsed(
      aReport({ findings: [aFinding({ check: 'pod-dns-failing', topic: 'dns', notSeen: true })] }),
    );
    expect(attribute(document, '/testsuites/@failures')).toBe('1');
  });

  it('stays valid whatever a node says', () => {
    const document = parsed(aHostileReport());
    expect(document.find('//script | //img')).toHaveLength(0);
  });
});
