/** CloudWatch, limited to our alarms: which of the synthesized alarms the metrics of a run raise. */

export type Alarm = {
  readonly name: string;
  readonly metric: string;
  readonly namespace: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Sum' | 'Minimum' | 'Maximum';
  readonly comparison: 'LessThanThreshold' | 'GreaterThanThreshold';
  readonly threshold: number;
  readonly missing: 'breaching' | 'notBreaching' | 'ignore';
};

/** One value of one metric; it belongs to an alarm only if namespace and all dimensions match. */
export type Datapoint = Pick<Alarm, 'metric' | 'namespace' | 'dimensions'> & {
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
};

type Embedded = {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
  readonly [name: string]: unknown;
};

/** What CloudWatch extracts from a log: metrics in its embedded format. */
export function datapointsOf(log: string): Datapoint[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"_aws"'))
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Embedded)
    .flatMap((entry) =>
      entry._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
        Dimensions.flatMap((names) =>
          Metrics.flatMap(({ Name }) =>
            [entry[Name]].flat().map((value) => ({
              namespace: Namespace,
              metric: Name,
              dimensions: Object.fromEntries(names.map((name) => [name, String(entry[name])])),
              value: Number(value),
              at: entry._aws.Timestamp,
            })),
          ),
        ),
      ),
    );
}

/** Names of the alarms that are raised if their periods have exactly these values. */
export function raisedBy(datapoints: readonly Datapoint[], alarms: readonly Alarm[]): string[] {
  return alarms.filter((alarm) => isRaised(alarm, datapoints)).map(({ name }) => name);
}

function isRaised(alarm: Alarm, datapoints: readonly Datapoint[]): boolean {
  const values = datapoints.filter((each) => isOf(alarm, each)).map(({ value }) => value);
  if (values.length === 0) return alarm.missing === 'breaching';
  const value = {
    Sum: () => values.reduce((sum, each) => sum + each, 0),
    Minimum: () => Math.min(...values),
    Maximum: () => Math.max(...values),
  }[alarm.statistic]();
  return alarm.comparison === 'LessThanThreshold' ? value < alarm.threshold : value > alarm.threshold;
}

function isOf(alarm: Alarm, { namespace, metric, dimensions }: Datapoint): boolean {
  const text = (of: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(of).toSorted());
  return (
    namespace === alarm.namespace && metric === alarm.metric && text(dimensions) === text(alarm.dimensions)
  );
}
