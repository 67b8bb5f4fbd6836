/** Writes schema/ from lib/model: run `npm run generate` after a change there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { schemas } from './schemas.ts';

const directory = new URL('../schema/', import.meta.url);
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries(schemas())) writeFileSync(new URL(name, directory), text);
