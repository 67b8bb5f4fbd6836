/** A page in Chromium, as a reader opens it: from a file, with no network. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** CHROMIUM names another one. Null if there is none: then the tests of the page are skipped, and say so. */
export const chromiumPath =
  [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path !== undefined && existsSync(path),
  ) ?? null;

export async function launch(): Promise<Browser> {
  // Root has no user namespace sandbox in containers; only our own page is opened.
  return await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
}

export type Opened = {
  readonly page: Page;
  /** What the page requested from elsewhere, wrote to the console, or asked in a dialog: there should be nothing. */
  readonly noise: string[];
};

/** Opens the page, and closes it after `use`. */
export async function open(
  browser: Browser,
  html: string,
  options: BrowserContextOptions,
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'netns-audit-page-'));
  const file = join(directory, 'report.html');
  await writeFile(file, html);
  const context = await browser.newContext({ offline: true, ...options });
  try {
    const page = await context.newPage();
    // A machine that runs all tests at once is slow, which says nothing about the page.
    page.setDefaultTimeout(90_000);
    const noise: string[] = [];
    const url = pathToFileURL(file).href;
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) noise.push(`request ${request.url()}`);
    });
    page.on('console', (message) => noise.push(`console ${message.text()}`));
    page.on('pageerror', (error) => noise.push(`error ${error.message}`));
    page.on('dialog', (dialog) => {
      noise.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(url);
    await use({ page, noise });
  } finally {
    await context.close();
    await rm(directory, { recursive: true });
  }
}

/** Axe's findings, one per line, including best practices. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const { default: axe } = await import('axe-core');
  // The page's policy allows no other script; the debugger's own evaluation is exempt.
  await page.evaluate(axe.source);
  return await page.evaluate<string[]>(`(async () => {
    // Of cards out of sight, the words have their place only once they are shown: until then they may lie on something else.
    for (const card of document.querySelectorAll('article')) card.style.contentVisibility = 'visible';
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map((node) => id + ': ' + node.html.slice(0, 200) + ' ' + node.failureSummary),
    );
  })()`);
}
