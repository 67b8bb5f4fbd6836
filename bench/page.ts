/**
 * How large the page of a large cluster is, and how soon a browser shows it, can use and filter it, and opens
 * a finding. `npm run bench:page`
 */
import { whyByCheck } from '../lib/checks/catalogue.ts';
import { writeHtml } from '../lib/report/index.ts';
import { chromiumPath, launch, open } from '../test/report/browser.ts';
import { aLargeReport } from '../test/report/large.ts';

const [NODES, FINDINGS] = [5000, 2000];
const OPENINGS = 7;
/** Measured by the page's own clock, which starts when the page is opened: first paint, and the end of its script. */
const TIMES = `new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve({
  painted: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  usable: performance.now(),
}))))`;

const report = aLargeReport(NODES, FINDINGS);
const html = await timed('written', () => Promise.resolve(writeHtml(report, { why: whyByCheck })));
console.log(`${(html.length / 1e6).toFixed(1)} MB for ${NODES} nodes and ${FINDINGS} findings`);
if (chromiumPath === null) console.log('No Chromium: not opened.');
else {
  const browser = await launch();
  const openings: { painted: number; usable: number }[] = [];
  for (let n = 0; n < OPENINGS; n += 1)
    await open(browser, html, {}, async ({ page }) => {
      openings.push(await page.evaluate<{ painted: number; usable: number }>(TIMES));
    });
  for (const what of ['painted', 'usable'] as const) {
    const sorted = openings.map((times) => times[what] / 1000).toSorted((a, b) => a - b);
    const [middle, worst] = [sorted[Math.floor(OPENINGS / 2)], sorted.at(-1)];
    console.log(`${middle?.toFixed(2)} s ${what} after opening, at worst ${worst?.toFixed(2)} s`);
  }
  await open(browser, html, {}, async ({ page }) => {
    const heap = await page.evaluate<number>('performance.memory.usedJSHeapSize');
    console.log(
      `${await page.evaluate('document.querySelectorAll("*").length')} elements, ${(heap / 1e6).toFixed(0)} MB of heap`,
    );
    await timed('filtered by a word', async () => {
      await page.locator('#filter-text').fill('bcdbb');
      await page.locator('#shown').filter({ hasText: /^1 of/ }).waitFor();
    });
    await timed('a finding opened', async () => {
      await page.locator('article:not([hidden]) > details > summary').click();
      await page.locator('article:not([hidden]) .body').waitFor({ state: 'visible' });
    });
  });
  await browser.close();
}

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await act();
  console.log(`${seconds(started)} ${what}`);
  return result;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}
