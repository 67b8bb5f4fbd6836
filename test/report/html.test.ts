import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasons } from '../../lib/checks/catalogue.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import type { Totals } from '../../lib/model/totals.ts';
import { writeHtml } from '../../lib/report/html/page.ts';
import { accessibilityFaults, chromiumPath, launch, open } from './browser.ts';
import { aLargeReport } from './large.ts';
import { aFinding, aHostileReport, aReport } from './sample.ts';

const OPEN_ALL = 'for (const details of document.querySelectorAll("details")) details.open = true';
const FITS = 'document.documentElement.scrollWidth <= innerWidth';

/** A month before the report. */
const past: readonly Totals[] = Array.from({ length: 30 }, (_, n) => ({
  at: new Date(Date.parse('2025-12-03T03:04:05Z') + n * 86_400_000).toISOString(),
  nodes: 4,
  pods: 48,
  namespaces: 60 + ((n * 7) % 20),
  orphans: n === 12 ? null : n % 11,
}));

/** New, open, grouped, explained, pending, suppressed, resolved, not audited, undecided: all that a page can show. */
function aFullReport(): ClusterReport {
  const report = aReport({
    verdict: 'critical',
    findings: [
      aFinding(),
      ...[1, 2, 3, 4, 5].map((n) =>
        aFinding({
          fingerprint: `e${n}`,
          check: 'veth-bridge-detached',
          topic: 'veth',
          severity: 'high',
          state: 'open',
          flaps: 3,
          flapping: true,
          returnedAt: '2026-01-02T03:04:05Z',
          object: { kind: 'pod', namespace: 'shop', name: `cart-${n}`, node: 'node-2' },
          title: 'The pod’s link is not on its bridge',
        }),
      ),
      aFinding({
        fingerprint: 'd1',
        check: 'node-to-pod-unreachable',
        topic: 'connectivity',
        severity: 'high',
        title: 'The node does not reach the pod',
        partOf: 'f1',
      }),
      aFinding({
        fingerprint: 'a1',
        topic: 'namespaces',
        severity: 'medium',
        state: 'pending',
        title: 'Leaked namespace',
      }),
      aFinding({
        fingerprint: 'b1',
        topic: 'firewall',
        severity: 'low',
        title: 'A firewall rule in a pod',
        suppressed: { reason: 'the mesh makes it', owner: 'sre', expires: '2027-01-01' },
      }),
    ],
    resolved: [
      aFinding({ fingerprint: 'c1', state: 'resolved', resolution: 'the check passed', title: 'Gone again' }),
    ],
  });
  report.coverage.nodes.push(
    { node: 'node-2', result: 'audited', reason: null, remedy: null },
    { node: 'node-3', result: 'failed', reason: 'OutOfpods', remedy: 'Free a pod slot.' },
    { node: 'fargate-1', result: 'skipped', reason: 'Fargate', remedy: null },
  );
  report.coverage.checks.push({
    check: 'host-route-missing',
    topic: 'routes',
    examined: 0,
    failed: 0,
    notApplicable: 0,
    unknown: 2,
    reasons: ['routes could not be read'],
  });
  return report;
}

describe('the report as a page', () => {
  it('loads nothing, and no longer grows where a report has no end', { timeout: 60_000 }, () => {
    const page = writeHtml(aLargeReport(5000, 2000), reasons);
    expect(page).not.toMatch(/\b(?:src|action|style)=|url\(|@import|https?:/);
    expect(page.length).toBeLessThan(6_000_000);
    expect(writeHtml(aLargeReport(5000, 20_000), reasons).length).toBeLessThan(9_000_000);
  });

  it('sets what does not count apart from what does', () => {
    const html = writeHtml(aFullReport(), reasons);
    const order = [
      'data-st="new"',
      '<h3>Seen for the first time',
      'data-st="pending"',
      '<h3>Suppressed',
      'data-st="suppressed"',
    ];
    const places = order.map((part) => html.indexOf(part));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(writeHtml(aReport({ findings: [aFinding()] }), reasons)).not.toContain('<h3>Suppressed');
  });

  it('tells many changes of a kind in one line, and leads to the first of them', () => {
    const alike = Array.from({ length: 6 }, (_, n) =>
      aFinding({
        fingerprint: `n${n}`,
        object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: `node-${n % 2}` },
      }),
    );
    const changed = (findings: typeof alike) =>
      /<h3>\d+ new<\/h3>(.*?)<\/div>/s.exec(writeHtml(aReport({ findings }), reasons))?.[1];
    expect(changed(alike)).toBe(
      '<ul><li><span class="tag critical">critical</span> <a href="#f-n0">Running pod without its network interface: 6 pods on 2 nodes</a></li></ul>',
    );
    expect(changed(alike.slice(1))?.match(/<li>/g)).toHaveLength(5);
  });

  it('begins with the verdict, then what changed', () => {
    const text = writeHtml(aFullReport(), reasons).replaceAll(/<(style|script)>.*?<\/\1>|<[^>]*>/gs, '');
    const places = [
      'critical',
      'What changed',
      '1 new',
      '1 resolved',
      'Leaked namespace',
      'Not (fully) audited',
    ];
    const found = places.map((each) => text.indexOf(each));
    expect(found.every((place) => place >= 0)).toBe(true);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });
});

if (chromiumPath === null)
  console.warn(
    'No Chromium: the tests of the page in a browser are SKIPPED (install chromium, or name one with CHROMIUM)',
  );

describe.skipIf(chromiumPath === null)('the page in a browser', { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(async () => await browser?.close());

  it('leads from the map to the finding, its repair and what its check means', async () => {
    await open(browser, writeHtml(aFullReport(), reasons), {}, async ({ page, noise }) => {
      await page.getByRole('link', { name: '1 C: interfaces on node-1, worst critical' }).click();
      const body = page.locator('#f-f1');
      await body.getByText('kubectl delete pod -n shop web-1').waitFor({ state: 'visible' });
      expect(await body.getByRole('img').getAttribute('aria-label')).toMatch(/broken at the pod's interface/);
      expect(await page.locator('article:visible').count()).toBe(1);
      expect(await page.locator('#shown').textContent()).toBe('1 of 4 shown');
      await body.getByRole('link', { name: 'What pod-interface-missing means' }).click();
      await page.waitForURL(/#check-pod-interface-missing$/);
      await page.getByRole('button', { name: 'Show all' }).click();
      expect(await page.locator('article:visible').count()).toBe(4);
      expect(noise).toEqual([]);
    });
  });

  it('tells what comes and goes, and what does not count', async () => {
    await open(browser, writeHtml(aFullReport(), reasons), {}, async ({ page }) => {
      await page.getByText('not counted: 1 pending (seen for the first time), 1 suppressed').waitFor();
      const only = async (state: string, text: string): Promise<void> => {
        await page.getByLabel('State').selectOption(state);
        // The page filters a moment later: what is shown of the state before is not to be clicked.
        await page.locator('article:visible').filter({ hasText: text }).locator('summary').click();
        await page.getByText(text).waitFor();
        await page.getByText('1 of 4 shown').waitFor();
      };
      await only('flapping', 'comes and goes: came back 3 times after it was resolved');
      await only('suppressed', 'Suppressed until 2027-01-01 by sre: the mesh makes it');
    });
  });

  it('copies a command', async () => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    await open(
      browser,
      writeHtml(aReport({ findings: [aFinding()] }), reasons),
      { permissions },
      async ({ page }) => {
        await page.locator('article summary').click();
        await page.locator('#f-f1').getByRole('button', { name: 'Copy' }).click();
        await page.getByRole('button', { name: 'Copied' }).waitFor();
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
          'kubectl delete pod -n shop web-1',
        );
      },
    );
  });

  it('filters by text, severity and state, and follows a link to what the filter hides', async () => {
    await open(browser, writeHtml(aFullReport(), reasons), {}, async ({ page }) => {
      await page.getByLabel('Text').fill('cart-3');
      await page.getByText('1 of 4 shown').waitFor();
      await page
        .getByRole('link', { name: /shop\/web-1/ })
        .first()
        .click();
      await page.locator('#f-f1').waitFor({ state: 'visible' });
      await page.getByLabel('State').selectOption('suppressed');
      await page.getByText('1 of 4 shown').waitFor();
      expect(await page.locator('article:visible').textContent()).toContain('A firewall rule in a pod');
    });
  });

  it('works without a script: links open what they lead to', async () => {
    await open(browser, writeHtml(aFullReport(), reasons), { javaScriptEnabled: false }, async ({ page }) => {
      expect(await page.locator('.filter').isVisible()).toBe(false);
      await page.locator('.map a[href="#f-f1"]').click();
      await page.locator('#f-f1').waitFor({ state: 'visible' });
    });
  });

  it('is used with the keyboard alone', async () => {
    await open(browser, writeHtml(aFullReport(), reasons), {}, async ({ page }) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the findings');
      await page.locator('article summary').first().focus();
      await page.keyboard.press('Enter');
      await page.locator('#f-f1').waitFor({ state: 'visible' });
    });
  });

  it.each([
    ['by day', {}],
    ['by night', { colorScheme: 'dark' as const }],
    ['on a phone', { viewport: { width: 360, height: 740 } }],
  ])('has nothing that axe objects to, %s, and fits its window', async (name, options) => {
    await open(browser, writeHtml(aFullReport(), reasons, past), options, async ({ page, noise }) => {
      await page.evaluate(OPEN_ALL);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(await page.evaluate(FITS)).toBe(true);
      if (process.env.SCREENSHOTS !== undefined)
        await page.screenshot({
          path: `${process.env.SCREENSHOTS}/${name.replaceAll(' ', '-')}.png`,
          fullPage: true,
        });
      expect(noise).toEqual([]);
    });
  });

  it('prints every finding in full', async () => {
    await open(browser, writeHtml(aFullReport(), reasons, past), {}, async ({ page }) => {
      await page.emulateMedia({ media: 'print' });
      expect(await accessibilityFaults(page)).toEqual([]);
      if (process.env.SCREENSHOTS !== undefined)
        await page.pdf({ path: `${process.env.SCREENSHOTS}/print.pdf`, format: 'A4' });
      expect(await page.getByText('kubectl delete pod -n shop web-1').first().isVisible()).toBe(true);
      expect(await page.locator('.filter').isVisible()).toBe(false);
    });
  });

  it('does nothing that a hostile name wants', async () => {
    await open(browser, writeHtml(aHostileReport(), reasons), {}, async ({ page, noise }) => {
      await page.evaluate(OPEN_ALL);
      expect(await page.locator('script').count()).toBe(1);
      expect(await page.locator('img, [onerror], iframe').count()).toBe(0);
      expect(await page.getByText('<script>alert(1)</script>').count()).toBeGreaterThan(0);
      expect(await page.evaluate(FITS)).toBe(true);
      if (process.env.SCREENSHOTS !== undefined)
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/hostile.png` });
      expect(noise).toEqual([]);
    });
  });

  it('stays usable with 5,000 nodes and 2,000 findings', async () => {
    await open(browser, writeHtml(aLargeReport(5000, 2000), reasons), {}, async ({ page, noise }) => {
      expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(120_000);
      await page.locator('#filter-text').fill('xxxs5');
      await page.locator('#shown').filter({ hasText: /^1 of/ }).waitFor();
      await page.locator('article:not([hidden]) summary').click();
      await page.locator('article:not([hidden]) .body').waitFor({ state: 'visible' });
      if (process.env.SCREENSHOTS !== undefined)
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/large.png` });
      expect(noise).toEqual([]);
    });
  });
});
