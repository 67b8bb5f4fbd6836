/** Writes docs/api.md: run `npm run generate` after a change to the construct. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiPage } from './api.ts';
import { writeDeclarations } from './package/declarations.ts';
import { schemas } from './schemas.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const scratch = mkdtempSync(join(tmpdir(), 'netns-auditor-api-'));
try {
  await writeDeclarations(root, [scratch]);
  const declarations = readFileSync(join(scratch, 'lib/infra/netns-auditor.d.ts'), 'utf8');
  const page = apiPage(declarations, JSON.parse(schemas()['config.v1.json'] ?? ''));
  writeFileSync(process.argv[2] ?? join(root, 'docs/api.md'), page);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
