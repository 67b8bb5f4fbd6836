/** Alarms match what the functions emit: names and dimensions on both sides. */
import { globSync, readFileSync } from 'node:fs';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { configSchema } from '../../lib/model/config.ts';
import { config, synthesize } from './synthesized.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const root = new URL('../../', import.meta.url);

type Alarm = {
  /** These three not of the composite alarm. */
  MetricName: string;
  Namespace: string;
  Dimensions: { Name: string; Value: unknown }[];
  AlarmDescription: string;
  AlarmActions: unknown[];
};

/** Metrics that the handlers emit, with whether each has the dimension `cluster`; Powertools adds `service` itself. */
function emitted(): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const file of globSync('lambda/*.ts', { cwd: root.pathname })) {
    const text = readFileSync(new URL(file, root), 'utf8');
    // Of one cluster are those that `own`, with its dimension, has.
    for (const [, of = '', name = ''] of text.matchAll(/(\w+|\w+\(task\))\.addMetric\(\s*'(\w+)'/g))
      found.set(name, of === 'functionMetrics' ? ['service'] : ['cluster', 'service']);
  }
  return found;
}

function alarmsOf(made: Template): [string, Alarm][] {
  return Object.entries({
    ...made.findResources('AWS::CloudWatch::Alarm'),
    ...made.findResources('AWS::CloudWatch::CompositeAlarm'),
  }).map(([id, { Properties }]) => [
    id.replace(/^AuditorMonitoring/, '').replace(/[0-9A-F]{8}$/, ''),
    Properties as Alarm,
  ]);
}

/** All but the one that the composite alarm goes by. */
const hasAction = ([id]: readonly [string, Alarm]): boolean => id !== 'RunMissing';

let template: Template;
let alarms: [string, Alarm][];
/** Of a stack that finds its clusters. */
let fleetAlarms: [string, Alarm][];
beforeAll(() => {
  template = Template.fromStack(synthesize().stack);
  alarms = alarmsOf(template);
  const discover = { accounts: ['111122223333'], regions: ['eu-west-1'], externalId: 'f81d4fae-7dec-11d0' };
  fleetAlarms = alarmsOf(Template.fromStack(synthesize(configSchema.parse({ discover })).stack));
}, 240_000);

describe('the alarms', () => {
  it('go by metrics that the functions emit, to the last dimension', () => {
    const metrics = emitted();
    const own = alarms.filter(([, { Namespace }]) => Namespace === 'NetnsAuditor');
    expect(own.length).toBeGreaterThan(5);
    for (const [id, { MetricName, Dimensions }] of own)
      expect(Dimensions.map(({ Name }) => Name).toSorted(), id).toEqual(metrics.get(MetricName));
  });

  it('are in the namespace and of the service that the functions name', () => {
    const handler = readFileSync(new URL('lambda/handler.ts', root), 'utf8');
    expect(handler).toContain("new Metrics({ namespace: 'NetnsAuditor', serviceName: 'netns-auditor' })");
    for (const [, { Namespace, Dimensions }] of alarms.filter(
      ([, each]) => each.Namespace === 'NetnsAuditor',
    ))
      expect([Namespace, Dimensions.find(({ Name }) => Name === 'service')?.Value]).toEqual([
        'NetnsAuditor',
        'netns-auditor',
      ]);
  });

  it('graph nothing that nobody emits', () => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    const names = [
      ...JSON.stringify(dashboard?.Properties.DashboardBody).matchAll(
        /\{NetnsAuditor,cluster,service\} MetricName=\W+(\w+)/g,
      ),
    ];
    expect(names.length).toBe(4);
    for (const [, name = ''] of names) expect(emitted().get(name), name).toEqual(['cluster', 'service']);
  });

  it('are as many for three hundred clusters as for one, and so is everything else', () => {
    const of = (count: number): Template => {
      const clusters = Array.from({ length: count }, (_, n) => ({
        name: `prod-${n}`,
        eks: {
          name: `prod-${n}`,
          region: 'eu-west-1',
          roleArn: `arn:aws:iam::${String(100_000_000_000 + Math.floor(n / 10))}:role/reader`,
        },
      }));
      return Template.fromStack(synthesize(configSchema.parse({ ...config, clusters })).stack);
    };
    const kinds = (made: Template): string[] =>
      Object.values(made.toJSON().Resources as Record<string, { Type: string }>)
        .map(({ Type }) => Type)
        .toSorted();
    const many = of(300);
    expect(kinds(many)).toEqual(kinds(of(1)));
    // CloudFormation takes a megabyte, and IAM 10,240 characters in the policies of a role.
    expect(JSON.stringify(many.toJSON()).length).toBeLessThan(500_000);
  });

  it('are raised once where runs stop, and name the hours', () => {
    const dead = (changes: Record<string, unknown>) => {
      const made = Template.fromStack(
        synthesize(configSchema.parse({ ...config, schedule: { ...config.schedule, ...changes } })).stack,
      );
      const [composite] = Object.values(made.findResources('AWS::CloudWatch::CompositeAlarm'));
      const [[id, missing] = []] = Object.entries(
        made.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName: 'ClustersInRun' } }),
      );
      expect(missing?.Properties.AlarmActions).toBeUndefined();
      expect(JSON.stringify(composite?.Properties.AlarmRule)).toContain(`"${id}"`);
      expect(missing?.Properties).toMatchObject({ TreatMissingData: 'breaching', Period: 3600 });
      return { composite: composite?.Properties, hours: missing?.Properties.EvaluationPeriods };
    };
    const nightly = dead({});
    expect(nightly.hours).toBe(26);
    expect(nightly.composite?.ActionsSuppressor).toBeUndefined();
    // Two hours more than the seven days that CloudWatch looks back.
    const weekly = dead({ expression: 'cron(30 3 ? * SUN *)', expectedWithinHours: 170 });
    expect(weekly.hours).toBe(168);
    expect(weekly.composite).toMatchObject({ ActionsSuppressorWaitPeriod: 2 * 3600 });
    expect(weekly.composite?.AlarmDescription).toContain('170 hours');
  });

  it('are each named by a failure in docs/operations-alarms.md, and no other is', () => {
    const operations = readFileSync(new URL('docs/operations-alarms.md', root), 'utf8');
    const [, table = ''] = /^\| what fails \| alarm \|\n((?:\|.*\n)+)/m.exec(operations) ?? [];
    const said = table.split('\n').map((row) => row.split('|')[2] ?? '');
    const names = new Set(alarms.filter(hasAction).map(([id]) => id));
    for (const name of names) expect(said.join(' '), name).toMatch(new RegExp(`\\b${name}\\b`));
    for (const [name] of said.join(' ').matchAll(/\b(?:[A-Z][a-z]+){2,}\b/g))
      expect([...names]).toContain(name);
  });

  it('each tell the topic, and have a row in docs/operations-alarms.md under the words they use', () => {
    const operations = readFileSync(new URL('docs/operations-alarms.md', root), 'utf8');
    const [, section = ''] = operations.split('## What each alarm means');
    const rows = [...section.matchAll(/^\| ([\w, ]+) \| ([^|:]+): /gm)].flatMap(([, names = '', words]) =>
      names.split(', ').map((name) => ({ name, words })),
    );
    const all = [...alarms, ...fleetAlarms].filter(hasAction);
    for (const [id, { AlarmActions, AlarmDescription }] of all) {
      expect(AlarmActions, id).toHaveLength(1);
      const [, words] = /docs\/operations-alarms\.md: (.+)\.$/.exec(AlarmDescription) ?? [];
      expect(
        rows.filter((row) => id.startsWith(row.name) && row.words === words),
        `${id}: ${words}`,
      ).toHaveLength(1);
    }
    for (const { name } of rows) expect(all.map(([id]) => id).join(' '), name).toContain(name);
  });
});
