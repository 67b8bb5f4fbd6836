import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { findingRowSchema } from '../../lib/model/finding.ts';
import { reportSchema } from '../../lib/model/report.ts';
import { rows } from '../../lib/report/index.ts';
import { schemas } from '../../scripts/schemas.ts';
import { aFinding, aReport } from '../report/sample.ts';

it.each(Object.entries(schemas()))('schema/%s is what `npm run generate` writes', (name, text) => {
  expect(readFileSync(new URL(`../../schema/${name}`, import.meta.url), 'utf8')).toBe(text);
});

it('a report, and each line of its findings, are of the published form', () => {
  const report = aReport({ findings: [aFinding()] });
  expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  expect(findingRowSchema.parse(JSON.parse(rows(report, 'findings')))).toMatchObject({
    cluster: 'prod-eu',
    runId: report.runId,
    dt: '2026-01-02',
  });
});
