/**
 * Creates an archive with the program and its own Node.js, for krew and for machines without Node.js
 * (docs/installing.md): `npm run build && npm run archive -- [--platform OS-ARCHITECTURE --node FILE] [--out
 * FOLDER]`
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeArchive, PLATFORMS } from './archive/contents.ts';
import { refuse, scriptOptions } from './options.ts';

const HELP = `npm run archive -- [--platform PLATFORM --node FILE] [--out FOLDER]

Packs the program of dist/ (npm run build) together with Node.js: docs/installing.md.

  --platform PLATFORM  ${PLATFORMS.join(', ')} (default: this machine's)
  --node FILE          bin/node of an unpacked download from nodejs.org, for another platform
  --out FOLDER         where to write the archive and its digest (default: archives)
`;

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const own = `${process.platform}-${process.arch}`;
const {
  platform = own,
  out = 'archives',
  node = platform === own ? process.execPath : '',
} = scriptOptions(HELP, ['platform', 'node', 'out']);

if (!PLATFORMS.includes(platform)) refuse(`--platform is one of ${PLATFORMS.join(', ')}`);
if (node === '')
  refuse(`--platform ${platform} needs --node FILE: bin/node of Node.js for it, from nodejs.org`);
const license = join(dirname(node), '../LICENSE');
if (!existsSync(license))
  refuse(`${license} is missing: take a Node.js unpacked as nodejs.org packs it, whose licence goes along`);
if (!existsSync(join(dist, 'package.json'))) refuse('dist/ is missing: npm run build');

const { version } = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as { version: string };
const name = `netns-audit-${version}-${platform}.tar.gz`;
const bytes = await makeArchive(dist, node);
mkdirSync(out, { recursive: true });
writeFileSync(join(out, name), bytes);
const digest = createHash('sha256').update(bytes).digest('hex');
writeFileSync(join(out, `${name}.sha256`), `${digest}  ${name}\n`);
process.stdout.write(`${join(out, name)}, ${(bytes.length / 1e6).toFixed(1)} MB\n`);
