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
    const dimensions = [...text.matchAll(/addDimension\('(\w+)'/g)].map(([, name = '']) => name);
    for (const [, name = ''] of text.matchAll(/addMetric\('(\w+)'/g))
      found.set(name, ['service', ...dimensions].toSorted());
  }
  return found;
}

function alarmsOf(made: Template): [string, Alarm][] {
  return Object.entries(made.findResources('AWS::CloudWatch::Alarm')).map(([id, { Properties }]) => [
    id.replace(/^AuditorMonitoring/, '').replace(/[0-9A-F]{8}$/, ''),
    Properties as Alarm,
  ]);
}

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
    expect(own.length).toBeGreaterThanOrEqual(4 * config.clusters.length + 1);
    for (const [id, { MetricName, Dimensions }] of own)
      expect(Dimensions.map(({ Name }) => Name).toSorted(), id).toEqual(metrics.get(MetricName));
    const clusters = new Set(
      own.flatMap(([, { Dimensions }]) => Dimensions.filter(({ Name }) => Name === 'cluster')),
    );
    expect(new Set([...clusters].map(({ Value }) => Value))).toEqual(
      new Set(config.clusters.map(({ name }) => name)),
    );
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
      ...JSON.stringify(dashboard?.Properties.DashboardBody).matchAll(/\\"NetnsAuditor\\",\\"(\w+)\\"/g),
    ];
    expect(names.length).toBeGreaterThan(0);
    for (const [, name = ''] of names) expect([...emitted().keys()]).toContain(name);
  });

  it('fit a dashboard whose widgets show a hundred alarms each, however many clusters there are', () => {
    const clusters = Array.from({ length: 60 }, (_, n) => ({
      name: `prod-${n}`,
      kubeconfigSecret: `arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod-${n}-AbCdEf`,
    }));
    const many = Template.fromStack(synthesize(configSchema.parse({ ...config, clusters })).stack);
    const resources = Object.keys(many.toJSON().Resources as object);
    expect(resources.length).toBeLessThan(500);
    const [dashboard] = Object.values(many.findResources('AWS::CloudWatch::Dashboard'));
    const widgets = JSON.stringify(dashboard?.Properties.DashboardBody)
      .split('\\"type\\":')
      .filter((text) => text.startsWith('\\"alarm\\"'))
      .map((text) => text.match(/AuditorMonitoring\w+/g)?.length ?? 0);
    expect(widgets).toEqual([100, 100, 46]);
  });

  it('are each named by a failure in docs/operations-alarms.md, and no other is', () => {
    const operations = readFileSync(new URL('docs/operations-alarms.md', root), 'utf8');
    const [, table = ''] = /^\| what fails \| alarm \|\n((?:\|.*\n)+)/m.exec(operations) ?? [];
    const said = table.split('\n').map((row) => row.split('|')[2] ?? '');
    const names = new Set(alarms.map(([id]) => id.replace(/(?:prodeu|produs|lab)$/, '')));
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
    const all = [...alarms, ...fleetAlarms];
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
