/** The alert rules as Prometheus itself reads and evaluates them. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writePrometheus } from '../../lib/report/prometheus.ts';
import { aFinding, aHostileReport, aReport } from '../report/sample.ts';

const promtool = process.env.PROMTOOL ?? 'promtool';
const hasPromtool = spawnSync(promtool, ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasPromtool)
  console.warn(
    '\n*** promtool is not installed: the alert rules are NOT evaluated (scripts/install-test-tools.sh) ***\n',
  );

const folder = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const run = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: folder, input, encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
};

describe.skipIf(!hasPromtool)('promtool', () => {
  const rules = [
    ['netns-audit', 6],
    ['netns-auditor-chart', 3],
  ] as const;

  it.each(rules)('finds nothing wrong with the rules %s', (name, count) => {
    const { status, text } = run(['check', 'rules', '--lint=all', '--lint-fatal', `${name}.rules.yaml`]);
    expect([status, text]).toEqual([0, expect.stringContaining(`${count} rules found`)]);
  });

  it.each(rules)('raises each alert of %s when it should, and none when not', (name) => {
    const { status, text } = run(['test', 'rules', `${name}.rules.test.yaml`]);
    expect([status, text]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it.each([
    ['an ordinary report', aReport({ findings: [aFinding()] })],
    ['a report of hostile names', aHostileReport()],
  ])('finds nothing wrong with the metrics of %s', (_, report) => {
    expect(run(['check', 'metrics'], writePrometheus(report))).toEqual({ status: 0, text: '' });
  });
});
