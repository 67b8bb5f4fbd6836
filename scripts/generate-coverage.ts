/** Writes docs/coverage.md: run `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { coveragePage } from './coverage.ts';

writeFileSync(new URL('../docs/coverage.md', import.meta.url), coveragePage());
