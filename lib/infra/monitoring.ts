/** Watches that audits happen, are complete, are delivered, and leave nothing behind. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmBase,
  type AlarmProps,
  AlarmRule,
  AlarmState,
  AlarmStatusWidget,
  ComparisonOperator,
  CompositeAlarm,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Config } from '../model/config.ts';
import { acknowledgeSilence } from './rule-packs.ts';
import type { Storage } from './storage.ts';

export type MonitoringProps = Pick<Config, 'discover' | 'schedule' | 'thresholds' | 'dashboard'> & {
  readonly machine: StateMachine;
  readonly storage: Storage;
};

/** CloudWatch looks back seven days at most. */
const MOST_HOURS = 168;

const percentOf = (share: number): number => Math.round(share * 10_000) / 100;

/** Alarms and dashboard. */
export class Monitoring extends Construct {
  /** Long, as it is one list of alarms on the same metrics. */
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: see the docstring.
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { machine, storage, schedule, thresholds } = props;
    const action = new SnsAction(storage.topic);
    const alarms: AlarmBase[] = [];
    const alarm = (name: string, alarmProps: AlarmProps): Alarm => {
      const made = new Alarm(this, name, alarmProps);
      made.addAlarmAction(action);
      alarms.push(made);
      return made;
    };
    const raisedAbove = (metric: IMetric, alarmDescription: string): AlarmProps => ({
      metric,
      alarmDescription,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });

    alarm('AuditMissing', {
      ...raisedAbove(
        metricOf('ClustersMissed', 'Maximum'),
        'No node of some cluster was read. The report of the run and the mail of each such cluster have ' +
          'the reason. docs/operations-alarms.md: audit missing.',
      ),
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarm('Coverage', {
      metric: metricOf('LowestCoverage', 'Minimum'),
      alarmDescription:
        'Nodes of some cluster were not audited. The mail of each such cluster names them. docs/operations-alarms.md: coverage.',
      threshold: percentOf(thresholds.coverage),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarm(
      'LeftoverPods',
      raisedAbove(
        metricOf('LeftoverPods', 'Sum'),
        'A run died and left pods in a cluster; the next one removed them. docs/operations-alarms.md: leftover pods.',
      ),
    );
    alarm(
      'AlertFailed',
      raisedAbove(
        metricOf('AlertFailed', 'Sum'),
        'SNS, EventBridge or Security Hub refused what was to be sent. docs/operations-alarms.md: alert not delivered.',
      ),
    );
    if (props.discover !== undefined)
      alarm(
        'DiscoveryGaps',
        raisedAbove(
          metricOf('DiscoveryGaps', 'Maximum'),
          'Accounts or regions could not be read. The report of the run names each with its fix. ' +
            'docs/operations-alarms.md: discovery gaps.',
        ),
      );
    const ended = (kind: string, metric: IMetric): Alarm =>
      alarm(`Run${kind}`, raisedAbove(metric, `A run ${kind}. docs/operations-alarms.md: run failed.`));
    const failed = ended('Failed', machine.metricFailed());
    ended('TimedOut', machine.metricTimedOut());
    ended('Aborted', machine.metricAborted());
    alarm(
      'ClusterLost',
      raisedAbove(
        metricOf('ClustersLost', 'Sum'),
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

    const dead = this.#watchSchedule(schedule, failed);
    dead.addAlarmAction(action);
    alarms.push(dead);

    if (!props.dashboard) return;
    const graph = (title: string, left: IMetric[]): GraphWidget =>
      new GraphWidget({ title, left, width: 12 });
    const dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.days(14) });
    dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 4 }));
    dashboard.addWidgets(
      graph('Coverage', [ofEachCluster('Coverage', 'Minimum')]),
      graph('New findings', [ofEachCluster('NewFindings', 'Maximum')]),
    );
    dashboard.addWidgets(
      graph('Critical findings', [ofEachCluster('CriticalFindings', 'Maximum')]),
      graph('High findings', [ofEachCluster('HighFindings', 'Maximum')]),
    );
    dashboard.addWidgets(
      graph('Runs', [machine.metricSucceeded(), machine.metricFailed(), machine.metricTimedOut()]),
      graph('Duration', [machine.metricTime()]),
    );
  }

  /**
   * One alarm where runs stopped. CloudWatch looks back seven days at most: for longer gaps, such as those of
   * weekly schedules, the composite alarm waits for the rest, and says nothing if a run ends meanwhile.
   */
  #watchSchedule({ expectedWithinHours }: Config['schedule'], whileWaiting: Alarm): CompositeAlarm {
    const seen = Math.min(expectedWithinHours, MOST_HOURS);
    const missing = new Alarm(this, 'RunMissing', {
      metric: metricOf('ClustersInRun', 'Sum'),
      alarmDescription: `No whole run ended for ${seen} hours. ScheduleDead tells about it.`,
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: seen,
      treatMissingData: TreatMissingData.BREACHING,
    });
    acknowledgeSilence(missing);
    return new CompositeAlarm(this, 'ScheduleDead', {
      alarmRule: AlarmRule.fromAlarm(missing, AlarmState.ALARM),
      alarmDescription:
        `No cluster was audited for ${expectedWithinHours} hours: no whole run ended. ` +
        'docs/operations-alarms.md: schedule dead.',
      ...(expectedWithinHours > seen
        ? {
            actionsSuppressor: whileWaiting,
            actionsSuppressorWaitPeriod: Duration.hours(expectedWithinHours - seen),
            actionsSuppressorExtensionPeriod: Duration.minutes(1),
          }
        : {}),
    });
  }
}

/**
 * A metric of a whole run: none is of one cluster, as there may be hundreds, and one found tomorrow would
 * have no alarm.
 */
function metricOf(metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: 'NetnsAuditor',
    metricName,
    dimensionsMap: { service: 'netns-auditor' },
    statistic,
    period: Duration.hours(1),
  });
}

/** Of each cluster that has such a metric. Alarms cannot search, dashboards can. */
function ofEachCluster(metricName: string, statistic: string): MathExpression {
  return new MathExpression({
    expression: `SEARCH('{NetnsAuditor,cluster,service} MetricName="${metricName}"', '${statistic}', 3600)`,
    usingMetrics: {},
    label: '',
  });
}
