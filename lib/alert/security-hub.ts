/**
 * A report as findings of AWS Security Hub, in its ASFF:
 * https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html. Pure.
 */
import type { AwsSecurityFinding, Resource } from '@aws-sdk/client-securityhub';
import type { ClusterConfig } from '../model/clusters.ts';
import { type Finding, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { objectName } from '../report/index.ts';

/** Where findings go: `arn:PARTITION:securityhub:REGION:ACCOUNT:product/ACCOUNT/default`. */
export type ProductArn = string;

/** What is sent before what; pending is not sent at all. */
const ORDER: readonly Finding['state'][] = ['new', 'resolved', 'open'];

/**
 * What a run observed, and what it found to be over: first what is new, then what is over, which no later run sends, then
 * what Security Hub has already; of each the worst first, as there may be more of them than time. Each finding stands for itself: who missed the one of yesterday gets it
 * today. What was not examined is left as it is, and of a part of a cluster only changes are sent: it may run every hour.
 *
 * @param cluster - how the cluster is reached, which says what AWS calls it
 * @param page - of the report
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
    // Of the report that is kept: what is sent again changes nothing, and an older report does not undo a newer one.
    UpdatedAt: report.finishedAt,
    FirstObservedAt: finding.firstSeen,
    LastObservedAt: finding.lastSeen,
    Title: text(`${finding.title}: ${objectName(finding.object)}`, 256),
    Description: text(finding.detail, 1024),
    // Workflow is of those who work on findings: Security Hub takes no update of it from here, and resets it to NEW when an
    // archived finding is active again.
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

/** By the ARN where it is EKS; else by the uid of kube-system, which no other cluster has. */
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

/** The steps without their commands, which could only be given in part: the report has them. */
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

/** Of at most `limit` characters, and never blank: Security Hub refuses both. */
function text(value: string, limit: number): string {
  const line = printable(value, limit - CUT).trim();
  return line === '' ? '-' : line;
}
