import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyByCheck } from '../../lib/checks/catalogue.ts';
import type { Finding } from '../../lib/model/finding.ts';
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
  usage: 20 + 2 * n,
}));

/**
 * New, open, grouped, explained, pending, suppressed, resolved, not audited, undecided: everything that a
 * page can show.
 */
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
    const page = writeHtml(aLargeReport(5000, 2000), { why: whyByCheck });
    expect(page).not.toMatch(/\b(?:src|action|style)=|url\(|@import|https?:/);
    expect(page.length).toBeLessThan(5_000_000);
    expect(writeHtml(aLargeReport(5000, 20_000), { why: whyByCheck }).length).toBeLessThan(9_000_000);
  });

  it('sets what does not count apart from what does', () => {
    const html = writeHtml(aFullReport(), { why: whyByCheck });
    const order = [
      '<article',
      'Pod has no network interface',
      '>Pending: seen once',
      'Leaked namespace',
      '>Suppressed by',
      'A firewall rule',
    ];
    const findings = html.slice(html.indexOf('<h2 id="findings"'), html.indexOf('<h2 id="map"'));
    const places = order.map((part) => findings.indexOf(part));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(writeHtml(aReport({ findings: [aFinding()] }), { why: whyByCheck })).not.toContain(
      '>Suppressed by',
    );
  });

  it('is one card for each cause, however many pods it has', () => {
    const html = writeHtml(aLargeReport(200, 400), { why: whyByCheck });
    expect(html.match(/<article/g)).toHaveLength(6);
    expect(html.match(/<tr id="f-/g)).toHaveLength(400);
    expect(html).toMatch(/67 pods on 67 nodes.*?8 new, 59 still open.*?open for up to 39 nights/s);
  });

  it('tells changes of a kind in one line, and leads to the first of them', () => {
    const findings = Array.from({ length: 6 }, (_, n) =>
      aFinding({
        fingerprint: `n${n}`,
        object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: `node-${n % 2}` },
      }),
    );
    const changed = /<h3>\d+ new<\/h3>(.*?)<\/div>/s.exec(
      writeHtml(aReport({ findings }), { why: whyByCheck }),
    )?.[1];
    expect(changed).toBe(
      '<ul><li><span class="tag critical">critical</span> <span><a href="#f-n0">Pod has no network interface: <bdi>6 pods on 2 nodes</bdi></a></span></li></ul>',
    );
  });

  it('begins with the verdict, then what changed', () => {
    const html = writeHtml(aFullReport(), { why: whyByCheck });
    const text = html.replaceAll(/<(style|script)>.*?<\/\1>|<[^>]*>/gs, '');
    const places = ['critical', 'Gone again', 'Evidence', 'Leaked namespace', 'Not (fully) audited'];
    const found = places.map((each) => text.indexOf(each));
    expect(found.every((place) => place >= 0)).toBe(true);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  it('says on each card why it matters and which audit found it first', () => {
    const finding = aFinding({ lastWithout: '2026-01-01T03:04:05Z' });
    const html = writeHtml(aReport({ findings: [finding] }), { why: whyByCheck });
    expect(html).toContain(`<b>Why it matters:</b> ${whyByCheck.get(finding.check)?.split('. ')[0]}`);
    expect(html).toContain(
      'First found by the audit of 2026-01-02 03:04 UTC; the audit of 2026-01-01 03:04 UTC did not find it.',
    );
  });

  it('names the command by which the tool plans the repair of what counts, and of nothing else', () => {
    const html = (...findings: Finding[]): string => writeHtml(aReport({ findings }), { why: whyByCheck });
    const typed = 'netns-audit remediate 20260102T030405Z-0a1b2c3d --only';
    expect(html(aFinding())).toContain(`${typed} pod-interface-missing</code>`);
    const hung = aFinding({
      check: 'kernel-netns-hung',
      object: { kind: 'node', name: 'node-1' },
      repair: { kind: 'reboot-node' },
    });
    expect(html(hung)).toContain(`${typed} kernel-netns-hung --node node-1</code>`);
    for (const changes of [
      { repair: null },
      { state: 'pending' },
      { confidence: 'suspected' },
      { suppressed: { reason: 'known', owner: 'sre', expires: '2027-01-01' } },
    ] satisfies Partial<Finding>[])
      expect(html(aFinding(changes))).not.toContain('remediate');
  });

  it('lists what to type first where several findings are critical, each linked to its card', () => {
    const two = [aFinding(), aFinding({ fingerprint: 'f2', check: 'pod-interface-down' })];
    const html = writeHtml(aReport({ findings: two }), { why: whyByCheck });
    expect(html.split('<ol class="first')[1]?.split('</ol>')[0]).toMatch(
      /<a href="#f-f1">.*kubectl delete pod -n shop web-1/s,
    );
    const think = [...'ab'].map((fingerprint) =>
      aFinding({ fingerprint, check: fingerprint, remedy: [{ purpose: 'repair', text: 'Think.' }] }),
    );
    expect(writeHtml(aReport({ findings: [...two, ...think] }), { why: whyByCheck })).toContain(
      '2 more of them need reading first.',
    );
    expect(writeHtml(aReport({ findings: [aFinding()] }), { why: whyByCheck })).not.toContain(
      'What to type first',
    );
  });

  it('links the fleet and the audits before and after, and no place that is not ours', () => {
    const links = { fleet: '../../../../fleet/x.html', previous: 'javascript:alert(1)', next: null };
    const html = writeHtml(aReport(), { why: whyByCheck, links });
    expect(html).toContain('<a href="../../../../fleet/x.html">Fleet</a>');
    expect(html).not.toContain('javascript:');
  });

  it('folds the page of a check in, and has its reason where there is no page', () => {
    const report = aReport({ findings: [aFinding()] });
    const pages = new Map([
      ['pod-interface-missing', '# x\n\n## How to fix\n\nDelete *it*: `now`.\n\n    rm <all>\n'],
    ]);
    expect(writeHtml(report, { why: whyByCheck, pages })).toContain(
      '<h4>How to fix</h4>\n<p>Delete <em>it</em>: <code>now</code>.</p>\n<pre><code>rm &lt;all&gt;</code></pre>',
    );
    expect(writeHtml(report, { why: whyByCheck })).toContain(
      `<p>${whyByCheck.get('pod-interface-missing')?.slice(0, 20)}`,
    );
  });

  it('draws the path of a pod with its names, and where it is broken', () => {
    const html = writeHtml(aFullReport(), { why: whyByCheck });
    expect(html).toContain('<b>eth0</b><i>✕ broken</i>');
    expect(html).toContain(
      'The path is broken at the pod&#39;s interface (eth0). No packet passes in either direction.',
    );
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
    await open(browser, writeHtml(aFullReport(), { why: whyByCheck }), {}, async ({ page, noise }) => {
      await page.getByRole('link', { name: '1 critical: interfaces on node-1' }).click();
      const card = page.locator('article:visible');
      await card.getByText('kubectl delete pod -n shop web-1').waitFor({ state: 'visible' });
      expect(await card.getByRole('img').getAttribute('aria-label')).toMatch(/broken at the pod's interface/);
      expect(await page.locator('#shown').textContent()).toBe('1 of 7 shown; 0 of 2 pending or suppressed');
      await card.getByText('About the check').click();
      await card.locator('.about').getByText('A pod whose namespace lost its interface').waitFor();
      await page.getByRole('button', { name: 'Clear' }).click();
      expect(await page.locator('article:visible').count()).toBe(4);
      expect(noise).toEqual([]);
    });
  });

  it('tells what comes and goes, and what does not count', async () => {
    await open(browser, writeHtml(aFullReport(), { why: whyByCheck }), {}, async ({ page }) => {
      await page.getByText('Not counted: 1 pending', { exact: false }).waitFor();
      const only = async (state: string, shown: string, text: string): Promise<void> => {
        await page.locator('#filter-state').selectOption(state);
        await page.getByText(shown).waitFor();
        await page.locator('article:visible').locator('summary').first().click();
        await page.getByText(text).waitFor();
      };
      await only('flapping', '5 of 7 shown', 'comes and goes: came back 3 times after it was resolved');
      await only(
        'suppressed',
        '1 of 2 pending or suppressed',
        'Suppressed until 2027-01-01 by sre: the mesh makes it',
      );
    });
  });

  it('copies the commands of all pods at once', async () => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const findings = ['web-1', 'web-2'].map((name) =>
      aFinding({
        fingerprint: name,
        object: { kind: 'pod', namespace: 'shop', name, node: 'node-1' },
        remedy: [{ purpose: 'repair', text: 'Delete it.', command: `kubectl delete pod ${name}` }],
      }),
    );
    await open(
      browser,
      writeHtml(aReport({ findings }), { why: whyByCheck }),
      { permissions },
      async ({ page }) => {
        await page.getByRole('button', { name: 'Copy all 2' }).click();
        await page.getByRole('button', { name: 'Copied' }).waitFor();
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
          'kubectl delete pod web-1\nkubectl delete pod web-2',
        );
      },
    );
  });

  it('filters by tile, word and workload, keeps that in its address, and opens from there', async () => {
    await open(browser, writeHtml(aFullReport(), { why: whyByCheck }), {}, async ({ page }) => {
      await page.getByRole('link', { name: /high$/ }).first().click();
      await page.getByText('6 of 7 shown').waitFor();
      expect(page.url()).toMatch(/#severity=high$/);
      await page.getByLabel('Search').fill('cart-3');
      await page.getByText('1 of 7 shown').waitFor();
      await page.waitForURL(/#text=cart-3&severity=high$/);
      await page.getByText('1 of 5 match').waitFor();
      await page.reload();
      await page.getByText('1 of 7 shown').waitFor();
      await page
        .getByRole('link', { name: /shop\/web-1/ })
        .first()
        .click();
      await page.locator('#f-f1').waitFor({ state: 'visible' });
      expect(await page.getByLabel('Search').inputValue()).toBe('');
    });
  });

  it('works without a script: links open what they lead to', async () => {
    await open(
      browser,
      writeHtml(aFullReport(), { why: whyByCheck }),
      { javaScriptEnabled: false },
      async ({ page }) => {
        expect(await page.locator('.filter').isVisible()).toBe(false);
        await page.locator('.map a[href="#f-e1"]').click();
        await page.locator('#f-e1').waitFor({ state: 'visible' });
      },
    );
  });

  it('is used with the keyboard alone', async () => {
    await open(browser, writeHtml(aFullReport(), { why: whyByCheck }), {}, async ({ page }) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the findings');
      const title = 'document.activeElement.querySelector("h3")?.textContent';
      await page.keyboard.press('j');
      expect(await page.evaluate(title)).toBe('Pod has no network interface');
      await page.keyboard.press('j');
      expect(await page.evaluate(title)).toBe('The pod’s link is not on its bridge');
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      await page.keyboard.press('Enter');
      await page.locator('#f-e1').waitFor({ state: 'visible' });
      await page.keyboard.press('k');
      expect(await page.evaluate(title)).toBe('Pod has no network interface');
      await page.keyboard.press('/');
      await page.keyboard.type('cart-2');
      await page.getByText('1 of 7 shown').waitFor();
    });
  });

  it.each([
    ['by day', {}],
    ['by night', { colorScheme: 'dark' as const }],
    ['on a phone', { viewport: { width: 390, height: 844 } }],
  ])(
    'has nothing that axe objects to, %s, closed, open and filtered, and fits its window',
    async (_, options) => {
      await open(
        browser,
        writeHtml(aFullReport(), { why: whyByCheck, past }),
        options,
        async ({ page, noise }) => {
          expect(await accessibilityFaults(page)).toEqual([]);
          await page.evaluate(OPEN_ALL);
          expect(await accessibilityFaults(page)).toEqual([]);
          expect(await page.evaluate(FITS)).toBe(true);
          await page.getByLabel('Search').fill('cart-2');
          await page.getByText('1 of 7 shown').waitFor();
          expect(await accessibilityFaults(page)).toEqual([]);
          expect(noise).toEqual([]);
        },
      );
    },
  );

  it('says on a phone, where scroll bars are hidden, that the map of many topics goes on', async () => {
    const topics = ['veth', 'routes', 'dns', 'kernel'] as const;
    const html = writeHtml(
      aReport({ findings: topics.map((topic) => aFinding({ fingerprint: topic, topic })) }),
      { why: whyByCheck },
    );
    const says = async (width: number) => {
      let visible = false;
      await open(browser, html, { viewport: { width, height: 844 } }, async ({ page }) => {
        visible = await page.getByText('Scroll the map sideways').isVisible();
      });
      return visible;
    };
    expect(await says(390)).toBe(true);
    expect(await says(1280)).toBe(false);
  });

  it('prints what is wrong, where, and what to do', async () => {
    await open(browser, writeHtml(aFullReport(), { why: whyByCheck, past }), {}, async ({ page }) => {
      await page.emulateMedia({ media: 'print' });
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(await page.getByText('kubectl delete pod -n shop web-1').first().isVisible()).toBe(true);
      expect(await page.getByRole('rowheader', { name: 'cart-5' }).isVisible()).toBe(true);
      expect(await page.locator('.filter').isVisible()).toBe(false);
    });
  });

  it('prints 400 findings on less than six sheets', async () => {
    await open(
      browser,
      writeHtml(aLargeReport(200, 400), { why: whyByCheck, past }),
      {},
      async ({ page }) => {
        const pdf = await page.pdf({ preferCSSPageSize: true });
        expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBeLessThan(6);
      },
    );
  });

  it('does nothing that a hostile name wants', async () => {
    await open(browser, writeHtml(aHostileReport(), { why: whyByCheck }), {}, async ({ page, noise }) => {
      await page.evaluate(OPEN_ALL);
      expect(await page.locator('script').count()).toBe(1);
      expect(await page.locator('img, [onerror], iframe').count()).toBe(0);
      expect(await page.getByText('<script>alert(1)</script>').count()).toBeGreaterThan(0);
      expect(await page.evaluate(FITS)).toBe(true);
      expect(noise).toEqual([]);
    });
  });

  it('shows 5,000 nodes and 2,000 findings, and leads from a cell of the map to its findings', async () => {
    await open(
      browser,
      writeHtml(aLargeReport(5000, 2000), { why: whyByCheck }),
      {},
      async ({ page, noise }) => {
        expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(120_000);
        expect(await page.evaluate(FITS)).toBe(true);
        expect(await accessibilityFaults(page)).toEqual([]);
        await page.locator('#filter-node').fill('ip-10-0-7-7.');
        await page.getByText('1 of 2000 shown').waitFor();
        await page.getByRole('button', { name: 'Clear' }).click();
        await page.getByText('2000 of 2000 shown').waitFor();
        // The first cell is the first node of the first zone, which has findings.
        const drawing = page.locator('.heat svg').first();
        const top = Number((await page.locator('.heat').getAttribute('data-layout'))?.split(' ')[2]);
        const scale = await drawing.evaluate((svg) => svg.getBoundingClientRect().width / 340);
        await drawing.click({ position: { x: 2 * scale, y: (top + 2) * scale } });
        await page.getByText('1 of 2000 shown').waitFor();
        expect(await page.locator('#filter-node').inputValue()).toMatch(/^ip-10-/);
        expect(noise).toEqual([]);
      },
    );
  });
});
