import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetText } from '../../bin/reports-text.ts';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { type Fleet, type FleetRow, fleetPage } from '../../lib/report/index.ts';
import { run } from '../bin/run.ts';
import { accessibilityFaults, chromiumPath, launch, open } from './browser.ts';
import { aFinding, aReport, hostile } from './sample.ts';

function aRow(changes: Partial<FleetRow> = {}): FleetRow {
  return {
    cluster: 'prod-eu',
    verdict: 'healthy',
    startedAt: '2026-01-02T03:04:05.000Z',
    note: null,
    findings: { critical: 0, high: 0, medium: 0, low: 0 },
    new: 0,
    resolved: 0,
    nodes: { audited: 12, partial: 0, failed: 0, skipped: 0 },
    orphans: [0, 0, 0],
    nights: [],
    href: '../../reports/cluster%3Dprod-eu/report.html',
    ...changes,
  };
}

const fleet: Fleet = {
  at: '2026-01-02T03:04:05.000Z',
  runId: '20260102T030405Z-0a1b2c3d',
  gaps: [{ place: '111122223333', reason: 'the role cannot be assumed', remedy: 'Give it one.' }],
  rows: [
    aRow(),
    aRow({
      cluster: 'arn:aws:eks:eu-west-1:111122223333:cluster/payments-production',
      verdict: 'degraded',
      findings: { critical: 0, high: 2, medium: 31, low: 0 },
      resolved: 3,
      orphans: [4, 9, 14, null, 24, 31],
      nodes: { audited: 411, partial: 2, failed: 0, skipped: 16 },
    }),
    aRow({
      cluster: 'prod-us',
      verdict: 'critical',
      findings: { critical: 3, high: 1, medium: 0, low: 7 },
      new: 2,
      nights: [
        null,
        { day: '2025-12-31', verdict: 'degraded', href: null },
        { day: '2026-01-01', verdict: 'healthy', href: '../../reports/x/report.html' },
      ],
      orphans: [1, 1, 0, 2, 0],
    }),
    aRow({ cluster: 'quiet', verdict: 'critical', findings: { critical: 1, high: 0, medium: 0, low: 0 } }),
    aRow({
      cluster: 'lost',
      verdict: 'incomplete',
      startedAt: null,
      href: null,
      note: 'no report: States.Timeout',
      orphans: [],
    }),
  ],
};
const textOf = (html: string): string =>
  html.replaceAll(/<(style|script)>.*?<\/\1>/gs, '').replaceAll(/<[^>]*>/g, '');

describe('the page of a fleet', () => {
  it('begins with the worst verdict, then what changed, then each cluster, worst first', () => {
    const text = textOf(fleetPage(fleet));
    expect(text).toContain('critical 5 clusters');
    expect(text).toMatch(/2 critical\s*1 incomplete\s*1 degraded\s*1 healthy/);
    const changed = text.slice(text.indexOf('What changed'), text.indexOf('Verdict'));
    expect(changed).toMatch(/Got worse: 1.*prod-us: was healthy, 2 new/s);
    expect(changed).toContain('lost: no report: States.Timeout');
    expect(changed).not.toContain('quiet');
    const rows = text.slice(text.lastIndexOf('Audited'));
    const order = ['prod-us', 'quiet', 'lost', 'payments', 'prod-eu'].map((name) => rows.indexOf(name));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('loads nothing, and links no more than the reports', () => {
    const html = fleetPage(fleet);
    expect(html).not.toMatch(/\b(?:src|action|style)=|url\(|@import|https?:/);
    expect(html.match(/href="(?!#)/g)).toHaveLength(4 + 2 + 2);
  });

  it('is a table in a terminal, in the same order', () => {
    const lines = fleetText(fleet, { ascii: true }).split('\n');
    expect(lines[1]).toMatch(
      /^prod-us +critical +2 +0 +3 critical, 1 high, 7 low +12 +[_.:=+*# -]+ 0 +2026-01-02 03:04$/,
    );
    expect(lines[3]).toMatch(/^lost +incomplete .* no report: States.Timeout$/);
    const bad = fleetText({ ...fleet, rows: [aRow({ cluster: hostile, note: hostile })] }, { ascii: true });
    expect(bad.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(bad.split('\n')).toHaveLength(3);
  });
});

describe.skipIf(chromiumPath === null)('the page of a fleet in a browser', { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(async () => await browser?.close());

  it('finds a cluster by its name and its verdict', async () => {
    await open(browser, fleetPage(fleet), {}, async ({ page, noise }) => {
      await page.getByLabel('Name', { exact: true }).fill('PAYMENTS');
      await page.getByText('1 of 5 shown').waitFor();
      await page.getByLabel('Name', { exact: true }).fill('');
      await page.getByRole('combobox', { name: 'Verdict' }).selectOption('critical');
      await page.getByText('2 of 5 shown').waitFor();
      expect(await page.locator('tbody tr:visible').count()).toBe(2);
      expect(noise).toEqual([]);
    });
  });

  it.each([
    ['by day', {}],
    ['by night', { colorScheme: 'dark' as const }],
    ['on a phone', { viewport: { width: 360, height: 740 } }],
    ['on paper', {}],
  ])('has nothing that axe objects to, %s, and fits its window', async (name, options) => {
    await open(browser, fleetPage(fleet), options, async ({ page, noise }) => {
      await page.emulateMedia({ media: name === 'on paper' ? 'print' : 'screen' });
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      if (process.env.SCREENSHOTS !== undefined)
        await page.screenshot({
          path: `${process.env.SCREENSHOTS}/fleet-${name.replaceAll(' ', '-')}.png`,
          fullPage: true,
        });
      expect(noise).toEqual([]);
    });
  });

  it('leads from the fleet over the report to the command that repairs, as files with no network', async () => {
    const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-fleet-')));
    const context = await browser.newContext({ offline: true });
    try {
      for (const night of [2, 1, 0]) {
        const at = new Date(Date.now() - night * 86_400_000);
        const startedAt = at.toISOString();
        const report = aReport({
          runId: newRunId(at, 'x'),
          startedAt,
          verdict: 'critical',
          findings: [aFinding()],
        });
        await publish(store, { ...report, cluster: { ...report.cluster, name: 'arn:aws:eks/prod.eu' } });
      }
      const { out } = await run('reports', 'fleet', '-o', 'html', '--store', store.location);
      const file = join(store.location, 'fleet.html');
      await writeFile(file, out);
      const page = await context.newPage();
      await page.goto(pathToFileURL(file).href);
      await page.getByRole('rowheader').getByRole('link', { name: 'arn:aws:eks/prod.eu' }).click();
      await page.getByRole('img', { name: /^Leaked network namespaces: 0 on/ }).waitFor();
      await page.getByRole('link', { name: '1 critical: interfaces on node-1' }).click();
      await page.getByText('kubectl delete pod -n shop web-1').waitFor({ state: 'visible' });
    } finally {
      await context.close();
      await rm(store.location, { recursive: true });
    }
  });

  it('does nothing that a hostile name wants', async () => {
    const rows = [aRow({ cluster: hostile, note: hostile, href: `javascript:alert(1)//${hostile}` })];
    await open(browser, fleetPage({ ...fleet, runId: hostile, rows }), {}, async ({ page, noise }) => {
      expect(await page.locator('script').count()).toBe(1);
      expect(await page.locator('img, [onerror], iframe, [href^="javascript"]').count()).toBe(0);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      expect(noise).toEqual([]);
    });
  });
});
