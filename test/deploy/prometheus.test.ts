/** Alert rules and dashboard use only metrics, labels and values that the report writer prints. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { writePrometheus } from '../../lib/report/prometheus.ts';
import { aFinding, aReport } from '../report/sample.ts';

const read = (path: string): string => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8');

/** For each metric, the values of each label, as a report prints them. */
const written = new Map<string, Map<string, Set<string>>>();
for (const [, name = '', labels = ''] of writePrometheus(aReport({ findings: [aFinding()] })).matchAll(
  /^(\w+)\{(.*)\} \S+$/gm,
)) {
  const ofMetric = written.get(name) ?? new Map<string, Set<string>>();
  written.set(name, ofMetric);
  for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g))
    ofMetric.set(label, (ofMetric.get(label) ?? new Set()).add(value));
}
/** Labels whose values come from the cluster: any value may be queried. */
const FREE = new Set(['cluster', 'node', 'check', 'topic']);

/** What is wrong with a query: metrics, labels and label values that no report has. */
function wrongWith(query: string): string[] {
  const selectors = [...query.matchAll(/\b(netns_audit_\w+)(?:\{([^}]*)\})?/g)];
  if (selectors.length === 0) return ['it asks for no metric'];
  const metrics = selectors.map(([, name = '']) => name);
  const wrong = metrics.filter((name) => !written.has(name));
  for (const [, name = '', matchers = ''] of selectors)
    for (const [, label = '', operator, value = ''] of matchers.matchAll(
      /(\w+)\s*(=~|=|!=|!~)\s*"([^"]*)"/g,
    )) {
      const values = written.get(name)?.get(label);
      if (values === undefined) wrong.push(`${name} has no label ${label}`);
      else if (!FREE.has(label))
        for (const each of operator?.endsWith('~') === true ? value.split('|') : [value])
          if (!values.has(each)) wrong.push(`${label} of ${name} is never ${each}`);
    }
  for (const [, labels = ''] of query.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of labels.split(/,\s*/))
      if (!metrics.some((name) => written.get(name)?.has(label))) wrong.push(`no label ${label} to sum by`);
  return wrong;
}

const rule = z.strictObject({
  alert: z.string().regex(/^NetnsAudit[A-Z]\w+$/),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string() }),
});
const rulesFile = z.strictObject({
  groups: z.tuple([z.strictObject({ name: z.string(), rules: z.array(rule) })]),
});
const rulesOf = (name: string) =>
  rulesFile.parse(parse(read(`prometheus/${name}.rules.yaml`))).groups[0].rules;

describe('the alert rules for Prometheus', () => {
  it.each(rulesOf('netns-audit'))(
    '$alert asks for what reports have, and names what it has',
    ({ expr, annotations }) => {
      expect(wrongWith(expr)).toEqual([]);
      const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/);
      const [, metric = ''] = /\b(netns_audit_\w+)/.exec(expr) ?? [];
      const labels = kept ?? [...(written.get(metric)?.keys() ?? [])];
      const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      expect(named).toContain('cluster');
      expect(named.filter((label) => label === undefined || !labels.includes(label))).toEqual([]);
    },
  );

  it.each(['netns-audit', 'netns-auditor-chart'])('of %s each have a test for promtool', (name) => {
    const tests = read(`prometheus/${name}.rules.test.yaml`);
    expect(rulesOf(name).filter(({ alert }) => !tests.includes(`alertname: ${alert}`))).toEqual([]);
  });

  it('about the chart are about the CronJobs that it has', () => {
    const suffixes = ['audit', 'doctor', 'retention'].map((file) => {
      const text = read(`chart/netns-auditor/templates/${file}.yaml`);
      return /kind: CronJob\nmetadata:\n {2}name: .*cronJobName" \(list \. "(.*)"\) }}\n/.exec(text)?.[1];
    });
    expect(suffixes).toEqual(['', '-doctor', '-retention']);
    for (const { alert, expr } of rulesOf('netns-auditor-chart'))
      expect(expr).toContain(
        alert === 'NetnsAuditPodPending' ? '"netns-auditor(-doctor|-retention)?"' : '"netns-auditor"',
      );
  });
});

const panel = z.looseObject({
  title: z.string(),
  gridPos: z.strictObject({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z.array(z.looseObject({ expr: z.string(), refId: z.string() })).min(1),
});
const dashboard = z
  .looseObject({
    templating: z.object({
      list: z.array(z.looseObject({ name: z.string(), definition: z.string().optional() })),
    }),
    panels: z.array(panel),
  })
  .parse(JSON.parse(read('grafana/netns-auditor.json')));

describe('the dashboard for Grafana', () => {
  it.each(dashboard.panels)('has in "$title" what reports have', ({ targets }) => {
    expect(targets.flatMap(({ expr }) => wrongWith(expr))).toEqual([]);
  });

  it('lets its user choose clusters, by a label that is there', () => {
    const [definition = ''] = dashboard.templating.list.flatMap((each) => each.definition ?? []);
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
    expect(written.get(metric)?.has(label)).toBe(true);
  });

  it('shows every metric, none twice in one place', () => {
    const text = JSON.stringify(dashboard.panels);
    const unused = [...written.keys()].filter((name) => !text.includes(name));
    expect(unused).toEqual(['netns_audit_check_examined']);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe('a query', () => {
  it.each([
    ['netns_audit_finding', 'netns_audit_finding'],
    ['netns_audit_findings{state="closed"}', 'state of netns_audit_findings is never closed'],
    ['netns_audit_findings{node="a"}', 'netns_audit_findings has no label node'],
    ['sum by (pod) (netns_audit_findings)', 'no label pod to sum by'],
    ['up', 'it asks for no metric'],
  ])('%s is refused', (query, reason) => {
    expect(wrongWith(query)).toEqual([reason]);
  });
});
