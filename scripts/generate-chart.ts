/** Writes the generated files in deploy/chart: run `npm run generate`, which writes the manifests first. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { chartFiles } from './chart.ts';

const chart = new URL('../deploy/chart/netns-auditor/', import.meta.url);
mkdirSync(new URL('files/', chart), { recursive: true });
for (const [path, text] of Object.entries(chartFiles())) writeFileSync(new URL(path, chart), text);
