/**
 * Converts a report to findings of AWS Security Hub, in ASFF:
 * https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html. Pure.
 */
import type { AwsSecurityFinding, Resource } from '@aws-sdk/client-securityhub';
import type { ClusterConfig } from '../model/clusters.ts';
import { type Finding, objectName, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';

/** Where to import findings: `arn:PARTITION:securityhub:REGION:ACCOUNT:product/ACCOUNT/default`. */
export type ProductArn = string;

/** Sending order; pending findings are not sent at all. */
const ORDER: readonly Finding['state'][] = ['new', 'resolved', 'open'];

/**
 * Observed findings and those that are over: first new ones, then those that are over, which no later run
 * sends, then those that Security Hub already has; worst first within each, as time may run out. Each finding
 * is complete: one missed yesterday arrives today. Unexamined objects stay unchanged, and a partial audit
 * sends only changes: it may run every hour.
 *
 * @param cluster - how to reach the cluster, which gives its name in AWS
 * @param page - link to the report
 */
export function securityHubFindings(
  report: ClusterReport,
  {
    productArn,
    cluster,
    page,
  }: { readonly productArn: ProductArn; readonly cluster: ClusterConfig; readonly page: string | null },
): AwsSecurityFinding[] {
  const observed = report.findings.filter(
    ({ state, notSeen }) =>
      state !== 'pending' && !notSeen && (report.scope === 'cluster' || state === 'new'),
  );
  const account = productArn.split(':')[4] ?? '';
  const whole = clusterResource(report, cluster, productArn);
  const inOrder = [...observed, ...report.resolved].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      severities.indexOf(a.severity) - severities.indexOf(b.severity),
  );
  return inOrder.map((finding) => ({
    SchemaVersion: '2018-10-08',
    Id: `netns-auditor/${finding.fingerprint}`,
    ProductArn: productArn,
    ProductName: 'netns-auditor',
    GeneratorId: `netns-auditor/${finding.check}`,
    AwsAccountId: account,
    CreatedAt: finding.firstSeen,
    // Taken from the stored report: sending it again changes nothing, and an older report does not undo a newer one.
    UpdatedAt: report.finishedAt,
    FirstObservedAt: finding.firstSeen,
    LastObservedAt: finding.lastSeen,
    Title: text(`${finding.title}: ${objectName(finding.object)}`, 256),
    Description: text(finding.detail, 1024),
    // Workflow belongs to those who work on findings: Security Hub ignores updates of it from here, and
    // resets it to NEW when an archived finding is active again.
    RecordState: finding.state === 'resolved' || finding.suppressed !== null ? 'ARCHIVED' : 'ACTIVE',
    FindingProviderFields: {
      Severity: {
        Label: finding.severity.toUpperCase() as Uppercase<typeof finding.severity>,
        Original: finding.severity,
      },
      Types: ['Software and Configuration Checks'],
    },
    ...(finding.remedy.length === 0
      ? {}
      : {
          Remediation: {
            Recommendation: { Text: remedyOf(finding), ...(page === null ? {} : { Url: page }) },
          },
        }),
    ...(page === null ? {} : { SourceUrl: page }),
    Resources: [
      whole,
      ...(finding.object.kind === 'cluster' ? [] : [objectResource(finding, whole.Id ?? '')]),
    ],
    ProductFields: fields({
      'netns-auditor/cluster': report.cluster.name,
      'netns-auditor/check': finding.check,
      'netns-auditor/object': objectName(finding.object),
      'netns-auditor/confidence': finding.confidence,
      'netns-auditor/run': report.runId,
      'netns-auditor/resolution': finding.resolution ?? undefined,
      'netns-auditor/exception':
        finding.suppressed === null
          ? undefined
          : `${finding.suppressed.owner} until ${finding.suppressed.expires}: ${finding.suppressed.reason}`,
    }),
  }));
}

/** The ARN on EKS; else the uid of kube-system, which is unique to the cluster. */
function clusterResource(
  { cluster }: ClusterReport,
  config: ClusterConfig,
  productArn: ProductArn,
): Resource {
  const { name, uid, version } = cluster;
  if (!('eks' in config))
    return {
      Type: 'Other',
      Id: text(`kubernetes/${uid === '' ? name : uid}`, 256),
      Details: { Other: fields({ kind: 'cluster', name, uid, version }) },
    };
  const { eks } = config;
  const [, partition, , , account] = (eks.roleArn ?? productArn).split(':');
  const arn = `arn:${partition}:eks:${eks.region}:${account}:cluster/${eks.name}`;
  return {
    Type: 'AwsEksCluster',
    Id: arn,
    Region: eks.region,
    Details: { AwsEksCluster: { Arn: arn, Name: eks.name, Version: text(version, 100) } },
  };
}

function objectResource({ object }: Finding, cluster: string): Resource {
  return {
    Type: 'Other',
    Id: text(`${cluster}/${object.kind}/${objectName(object)}`, 512),
    Details: { Other: fields(object) },
  };
}

/** The steps without their commands, which would be incomplete here: the report has them. */
function remedyOf({ remedy }: Finding): string {
  const steps = remedy.map((step, index) => (remedy.length === 1 ? step.text : `${index + 1}. ${step.text}`));
  return text(steps.join(' '), 512);
}

function fields(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [[key, text(value, 1000)]],
    ),
  );
}

const CUT = '… (cut)'.length;

/** At most `limit` characters, and never blank: Security Hub refuses both. */
function text(value: string, limit: number): string {
  const line = printable(value, limit - CUT).trim();
  return line === '' ? '-' : line;
}
