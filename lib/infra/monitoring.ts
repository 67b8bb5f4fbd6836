/** Watches that audits happen, are complete, are delivered, and leave nothing behind. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  AlarmStatusWidget,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Config } from '../model/config.ts';
import { idOf } from './ids.ts';
import type { Storage } from './storage.ts';

export type MonitoringProps = Pick<
  Config,
  'clusters' | 'discover' | 'schedule' | 'thresholds' | 'dashboard'
> & {
  readonly machine: StateMachine;
  readonly storage: Storage;
};

/** CloudWatch looks back seven days at most. */
const MOST_PERIODS = 168;

const percentOf = (share: number): number => Math.round(share * 10_000) / 100;

/** CloudWatch refuses a dashboard with more in one widget. */
const ALARMS_PER_WIDGET = 100;

/** Alarms and dashboard. */
export class Monitoring extends Construct {
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: one list of alarms on the same metrics.
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { machine, storage, schedule, thresholds } = props;
    const action = new SnsAction(storage.topic);
    const alarms: Alarm[] = [];
    const alarm = (name: string, alarmProps: AlarmProps): void => {
      const made = new Alarm(this, name, alarmProps);
      made.addAlarmAction(action);
      alarms.push(made);
    };
    const raisedAbove = (metric: IMetric, alarmDescription: string): AlarmProps => ({
      metric,
      alarmDescription,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });

    for (const { name } of props.clusters) {
      const id = idOf(name);
      alarm(`AuditMissing-${id}`, {
        metric: metricOf('AuditCompleted', name, 'Sum'),
        alarmDescription: `${name} was not audited for ${schedule.expectedWithinHours} hours: no run read any of its nodes. docs/operations-alarms.md: audit missing.`,
        threshold: 1,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: Math.min(schedule.expectedWithinHours, MOST_PERIODS),
        treatMissingData: TreatMissingData.BREACHING,
      });
      alarm(`Coverage-${id}`, {
        metric: metricOf('Coverage', name, 'Minimum'),
        alarmDescription: `Nodes of ${name} were not audited. docs/operations-alarms.md: coverage.`,
        threshold: percentOf(thresholds.coverage),
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.IGNORE,
      });
      alarm(
        `LeftoverPods-${id}`,
        raisedAbove(
          metricOf('LeftoverPods', name, 'Sum'),
          `A run died and left pods in ${name}; the next one removed them. docs/operations-alarms.md: leftover pods.`,
        ),
      );
      alarm(
        `AlertFailed-${id}`,
        raisedAbove(
          metricOf('AlertFailed', name, 'Sum'),
          `SNS or Security Hub refused what was to be sent about ${name}. docs/operations-alarms.md: alert not delivered.`,
        ),
      );
    }
    if (props.discover !== undefined) this.#watchFound(alarm, raisedAbove, props);
    for (const [kind, metric] of [
      ['Failed', machine.metricFailed()],
      ['TimedOut', machine.metricTimedOut()],
      ['Aborted', machine.metricAborted()],
    ] as const)
      alarm(`Run${kind}`, raisedAbove(metric, `A run ${kind}. docs/operations-alarms.md: run failed.`));
    alarm(
      'ClusterLost',
      raisedAbove(
        metricOf('ClustersLost', null, 'Sum'),
        'A cluster has no report of a run, or its message was not sent. docs/operations-alarms.md: cluster lost.',
      ),
    );
    alarm(
      'NotReceived',
      raisedAbove(
        storage.topic.metricNumberOfNotificationsFailed({ period: Duration.hours(1) }),
        'A subscriber did not take a message. docs/operations-alarms.md: message not received.',
      ),
    );
    alarm('NotStarted', {
      ...raisedAbove(
        storage.deadLetters.metricApproximateNumberOfMessagesVisible(),
        'The schedule could not start a run. docs/operations-alarms.md: run not started.',
      ),
      // A queue reports no metrics from six hours after its last use, whatever is in it.
      treatMissingData: TreatMissingData.IGNORE,
    });

    if (!props.dashboard) return;
    const graph = (title: string, left: IMetric[]): GraphWidget =>
      new GraphWidget({ title, left, width: 12 });
    const ofAll = (metric: string, statistic: string): IMetric[] =>
      props.clusters.map(({ name }) => metricOf(metric, name, statistic).with({ label: name }));
    const dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.days(14) });
    for (let first = 0; first < alarms.length; first += ALARMS_PER_WIDGET) {
      const some = alarms.slice(first, first + ALARMS_PER_WIDGET);
      dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: some, width: 24, height: 4 }));
    }
    dashboard.addWidgets(
      graph('Coverage', ofAll('Coverage', 'Minimum')),
      graph('New findings', ofAll('NewFindings', 'Maximum')),
    );
    dashboard.addWidgets(
      graph('Critical findings', ofAll('CriticalFindings', 'Maximum')),
      graph('High findings', ofAll('HighFindings', 'Maximum')),
    );
    dashboard.addWidgets(
      graph('Runs', [machine.metricSucceeded(), machine.metricFailed(), machine.metricTimedOut()]),
      graph('Duration', [machine.metricTime()]),
    );
  }

  /** Alarms of all clusters together, as a cluster found tomorrow has none of its own: each cluster's mail and the run's report name them. */
  #watchFound(
    alarm: (name: string, props: AlarmProps) => void,
    raisedAbove: (metric: IMetric, alarmDescription: string) => AlarmProps,
    { schedule, thresholds }: MonitoringProps,
  ): void {
    alarm('RunMissing', {
      metric: metricOf('ClustersAudited', null, 'Sum'),
      alarmDescription: `No cluster was audited for ${schedule.expectedWithinHours} hours. docs/operations-alarms.md: run missing.`,
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: Math.min(schedule.expectedWithinHours, MOST_PERIODS),
      treatMissingData: TreatMissingData.BREACHING,
    });
    alarm(
      'SomeUnreached',
      raisedAbove(
        metricOf('ClustersUnreached', null, 'Maximum'),
        'Clusters were not reached. The report of the run names each with its reason. docs/operations-alarms.md: some unreached.',
      ),
    );
    alarm('SomeUncovered', {
      metric: metricOf('LowestCoverage', null, 'Minimum'),
      alarmDescription:
        'Nodes of some cluster were not audited. The mail of each such cluster names them. docs/operations-alarms.md: coverage.',
      threshold: percentOf(thresholds.coverage),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarm(
      'DiscoveryGaps',
      raisedAbove(
        metricOf('DiscoveryGaps', null, 'Maximum'),
        'Accounts or regions could not be read. The report of the run names each with its fix. docs/operations-alarms.md: discovery gaps.',
      ),
    );
  }
}

/** A metric of the functions; `cluster` null for those of a whole run. */
function metricOf(metricName: string, cluster: string | null, statistic: string): Metric {
  return new Metric({
    namespace: 'NetnsAuditor',
    metricName,
    dimensionsMap: { service: 'netns-auditor', ...(cluster === null ? {} : { cluster }) },
    statistic,
    period: Duration.hours(1),
  });
}
