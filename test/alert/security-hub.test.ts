import { describe, expect, it } from 'vitest';
import { securityHubFindings } from '../../lib/alert/index.ts';
import type { ClusterConfig } from '../../lib/model/clusters.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aHostileReport, aReport } from '../report/sample.ts';

const productArn = 'arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default';
const lab: ClusterConfig = { name: 'lab', kubeconfigSecret: 'arn:aws:secretsmanager:eu-west-1:1:secret:lab' };
const eks = { name: 'prod', region: 'eu-central-1', accessEntry: true };
const page = 'https://eu-west-1.console.aws.amazon.com/s3/object/audits';

const of = (report: ClusterReport, cluster: ClusterConfig = lab, link: string | null = page) =>
  securityHubFindings(report, { productArn, cluster, page: link });
const one = (...finding: Parameters<typeof aFinding>) => of(aReport({ findings: [aFinding(...finding)] }))[0];

describe('what Security Hub gets of a report', () => {
  it('is each open finding, in full', () => {
    expect(of(aReport({ findings: [aFinding()] }))).toEqual([
      {
        SchemaVersion: '2018-10-08',
        Id: 'netns-auditor/f1',
        ProductArn: productArn,
        ProductName: 'netns-auditor',
        GeneratorId: 'netns-auditor/pod-interface-missing',
        AwsAccountId: '111122223333',
        CreatedAt: '2026-01-02T03:04:05Z',
        UpdatedAt: '2026-01-02T03:04:09Z',
        FirstObservedAt: '2026-01-02T03:04:05Z',
        LastObservedAt: '2026-01-02T03:04:05Z',
        Title: 'Pod has no network interface: shop/web-1 on node-1',
        Description: 'No interface eth0, only lo; Kubernetes still shows 10.244.1.7.',
        RecordState: 'ACTIVE',
        FindingProviderFields: {
          Severity: { Label: 'CRITICAL', Original: 'critical' },
          Types: ['Software and Configuration Checks'],
        },
        Remediation: { Recommendation: { Text: 'Delete the pod.', Url: page } },
        SourceUrl: page,
        Resources: [
          {
            Type: 'Other',
            Id: 'kubernetes/c0ffee',
            Details: { Other: { kind: 'cluster', name: 'prod-eu', uid: 'c0ffee', version: 'v1.36.0' } },
          },
          {
            Type: 'Other',
            Id: 'kubernetes/c0ffee/pod/shop/web-1 on node-1',
            Details: { Other: { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' } },
          },
        ],
        ProductFields: {
          'netns-auditor/cluster': 'prod-eu',
          'netns-auditor/check': 'pod-interface-missing',
          'netns-auditor/object': 'shop/web-1 on node-1',
          'netns-auditor/confidence': 'confirmed',
          'netns-auditor/run': '20260102T030405Z-0a1b2c3d',
        },
      },
    ]);
  });

  it('is what is new before what is open, and the worst first: there may be more than time', () => {
    const some = (['open', 'new'] as const).flatMap((state) =>
      (['low', 'critical'] as const).map((severity) =>
        aFinding({ fingerprint: `${state} ${severity}`, state, severity }),
      ),
    );
    const resolved = aFinding({ fingerprint: 'resolved', state: 'resolved', resolution: 'it is gone' });
    expect(of(aReport({ findings: some, resolved: [resolved] })).map(({ Id }) => Id)).toEqual(
      ['new critical', 'new low', 'resolved', 'open critical', 'open low'].map((id) => `netns-auditor/${id}`),
    );
  });

  it('archives what is resolved, and says why', () => {
    const resolved = aFinding({ state: 'resolved', resolution: 'the check passed' });
    expect(of(aReport({ resolved: [resolved] }))).toMatchObject([
      { RecordState: 'ARCHIVED', ProductFields: { 'netns-auditor/resolution': 'the check passed' } },
    ]);
  });

  it('archives what an exception covers, so that its end makes it active again', () => {
    const suppressed = { reason: 'a lab', owner: 'net-team', expires: '2026-03-01' };
    expect(one({ suppressed })).toMatchObject({
      RecordState: 'ARCHIVED',
      ProductFields: { 'netns-auditor/exception': 'net-team until 2026-03-01: a lab' },
    });
  });

  it.each([
    ['is pending: nobody has seen it twice', { state: 'pending' as const }],
    ['was not examined: nothing was observed', { notSeen: true, state: 'open' as const }],
  ])('leaves out what %s', (_, changes) => {
    expect(one(changes)).toBeUndefined();
    expect(one()).toBeDefined();
  });

  it('is all that is open of a whole cluster every night, and of a part only what is new or resolved', () => {
    const parts = {
      findings: [aFinding({ state: 'open' }), aFinding({ fingerprint: 'f2' })],
      resolved: [aFinding({ fingerprint: 'f3', state: 'resolved' })],
    };
    const ids = (scope: 'cluster' | 'part') =>
      of(aReport({ ...parts, scope })).map(({ Id }) => Id?.slice(-2));
    expect(ids('cluster')).toEqual(['f2', 'f3', 'f1']);
    expect(ids('part')).toEqual(['f2', 'f3']);
  });

  it('is the same when the same report is sent again, and of another run but for its times', () => {
    const first = aReport({ findings: [aFinding()] });
    expect(of(structuredClone(first))).toEqual(of(first));
    const [before] = of(first);
    const [after] = of({ ...first, finishedAt: '2026-01-03T03:04:09Z' });
    expect(after).toEqual({ ...before, UpdatedAt: '2026-01-03T03:04:09Z' });
  });

  it.each([
    ['of the account', {}, 'arn:aws:eks:eu-central-1:111122223333:cluster/prod'],
    [
      'of another account',
      { roleArn: 'arn:aws-cn:iam::444455556666:role/reader' },
      'arn:aws-cn:eks:eu-central-1:444455556666:cluster/prod',
    ],
  ])('names an EKS cluster %s by its ARN', (_, more, arn) => {
    const config: ClusterConfig = { name: 'prod', eks: { ...eks, ...more } };
    const [finding] = of(aReport({ findings: [aFinding()] }), config);
    expect(finding?.Resources).toMatchObject([
      {
        Type: 'AwsEksCluster',
        Id: arn,
        Region: 'eu-central-1',
        Details: { AwsEksCluster: { Arn: arn, Name: 'prod', Version: 'v1.36.0' } },
      },
      { Type: 'Other', Id: `${arn}/pod/shop/web-1 on node-1` },
    ]);
  });

  it('names the cluster alone where the finding is of the cluster', () => {
    expect(one({ object: { kind: 'cluster', name: 'prod-eu' } })?.Resources).toHaveLength(1);
  });

  it('numbers the steps of a remedy, gives none where there is none, and no link where there is no page', () => {
    const remedy = ['Look.', 'Delete the pod.'].map((text) => ({ ...aFinding().remedy[0], text }));
    const of1 = (steps: unknown[]) =>
      of(aReport({ findings: [aFinding({ remedy: steps as never })] }), lab, null)[0];
    expect(of1(remedy)?.Remediation).toEqual({ Recommendation: { Text: '1. Look. 2. Delete the pod.' } });
    expect(of1([])).not.toHaveProperty('Remediation');
    expect(of1(remedy)).not.toHaveProperty('SourceUrl');
  });

  it('keeps to the lengths of ASFF and says what was cut, has no blank text and nothing but text of a hostile node', () => {
    const report = aHostileReport();
    const blank = aFinding({
      fingerprint: 'f4',
      title: ' ',
      detail: '\n',
      object: { kind: 'node', name: '' },
    });
    const all = of({ ...report, findings: [...report.findings, blank] });
    expect(all).toHaveLength(4);
    for (const finding of all) {
      expect(finding.Title?.length).toBeLessThanOrEqual(256);
      expect(finding.Description?.length).toBeLessThanOrEqual(1024);
      expect(finding.Remediation?.Recommendation?.Text?.length ?? 0).toBeLessThanOrEqual(512);
      for (const { Id = '', Details } of finding.Resources ?? []) {
        expect(Id.length).toBeLessThanOrEqual(512);
        for (const value of Object.values(Details?.Other ?? {})) expect(value.length).toBeLessThan(1024);
      }
      for (const value of Object.values(finding.ProductFields ?? {})) expect(value.length).toBeLessThan(1024);
      expect(JSON.stringify(finding).length).toBeLessThan(240_000);
      for (const value of strings(finding)) {
        expect(value).toMatch(/\S/);
        expect(value).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }
    }
    expect(all[0]?.Title).toMatch(/… \(cut\)$/);
    expect(all[0]?.Description).toMatch(/… \(cut\)$/);
  });
});

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}
