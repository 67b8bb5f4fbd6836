/**
 * The pictures of reports in the documentation: run `npm run pictures` after a change to their look; needs
 * Chromium. The commands themselves generate the content, from the month of `demo --store` and from a large
 * synthetic cluster.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import { whyByCheck } from '../lib/checks/catalogue.ts';
import { writeHtml } from '../lib/report/index.ts';
import { launch, open } from '../test/report/browser.ts';
import { aLargeReport } from '../test/report/large.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pictures = join(root, 'docs/pictures');
mkdirSync(pictures, { recursive: true });
const store = mkdtempSync(join(tmpdir(), 'netns-audit-pictures-'));
const netnsAudit = (...args: string[]): string =>
  execFileSync(process.execPath, [join(root, 'bin/netns-audit.ts'), ...args, '--store', store], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });

netnsAudit('demo');
const night = netnsAudit('reports', 'show', '--cluster', 'demo-eu', '-o', 'html');
const fleet = netnsAudit('reports', 'fleet', '-o', 'html');
const large = writeHtml(aLargeReport(1000, 400), { why: whyByCheck });
rmSync(store, { recursive: true });

const browser = await launch();
const window = { width: 1180, height: 860 };
await take(night, { viewport: window, colorScheme: 'light' }, 'report-light');
await take(night, { viewport: window, colorScheme: 'dark' }, 'report-dark');
await take(night, { viewport: { width: 390, height: 800 }, colorScheme: 'light' }, 'report-phone');
await take(fleet, { viewport: { width: 1180, height: 680 }, colorScheme: 'light' }, 'fleet');
await take(
  night,
  { viewport: { ...window, height: 2600 }, colorScheme: 'light' },
  'finding',
  'article >> nth=0',
);
await take(large, { viewport: window, colorScheme: 'light' }, 'map', '.heat');
await browser.close();

/** Saves what the window shows, or one part of the page, as docs/pictures/NAME.png. */
async function take(
  html: string,
  options: BrowserContextOptions,
  name: string,
  part?: string,
): Promise<void> {
  await open(browser, html, options, async ({ page }) => {
    const picture = { path: join(pictures, `${name}.png`) };
    if (part === undefined) await page.screenshot(picture);
    else
      await page.locator(part).screenshot({
        ...picture,
        style: '.filter { position: static !important; box-shadow: none !important }',
      });
  });
}
