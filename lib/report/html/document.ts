/** The frame of every page: it loads nothing, and runs only our script, by its hash. */
import { createHash } from 'node:crypto';
import { style } from './style.ts';

/** @param title - escaped, like `body` */
export function documentOf(page: { title: string; body: string; script: string }): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hash(style)}'; script-src '${hash(page.script)}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<title>${page.title}</title><style>${style}</style></head><body>
${page.body}<script>${page.script}</script></body></html>
`;
}

function hash(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}
