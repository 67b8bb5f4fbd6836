/** Writes docs/severities.md: run `npm run generate`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { severitiesPage } from './severities.ts';

const at = (file: string): URL => new URL(`../docs/${file}`, import.meta.url);

writeFileSync(
  at('severities.md'),
  severitiesPage((id) => readFileSync(at(`checks/${id}.md`), 'utf8')),
);
