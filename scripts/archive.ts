/**
 * Creates an archive with the program and its own Node.js, for krew and for machines without Node.js
 * (docs/installing.md): `npm run build && npm run archive -- [--platform OS-ARCHITECTURE --node FILE] [--out
 * FOLDER]`
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '../lib/model/errors.ts';
import { makeArchive, PLATFORMS } from './archive/contents.ts';

const text = { type: 'string' } as const;
const HELP = `npm run archive -- [--platform PLATFORM --node FILE] [--out FOLDER]

Packs the program of dist/ (npm run build) together with Node.js: docs/installing.md.

  --platform PLATFORM  ${PLATFORMS.join(', ')} (default: this machine's)
  --node FILE          bin/node of an unpacked download from nodejs.org, for another platform
  --out FOLDER         where to write the archive and its digest (default: archives)
`;

function options() {
  try {
    return parseArgs({
      options: { platform: text, node: text, out: text, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    return messageOf(error);
  }
}

const given = options();
const values = typeof given === 'string' ? {} : given;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const own = `${process.platform}-${process.arch}`;
const { platform = own, out = 'archives' } = values;
const node = values.node ?? (platform === own ? process.execPath : '');

const problem =
  typeof given === 'string'
    ? `${given}\n${HELP}`
    : !PLATFORMS.includes(platform)
      ? `--platform is one of ${PLATFORMS.join(', ')}`
      : node === ''
        ? `--platform ${platform} needs --node FILE: bin/node of Node.js for it, from nodejs.org`
        : !existsSync(join(dirname(node), '../LICENSE'))
          ? `${join(dirname(node), '../LICENSE')} is missing: take a Node.js unpacked as nodejs.org packs it, whose licence goes along`
          : !existsSync(join(dist, 'package.json'))
            ? 'dist/ is missing: npm run build'
            : null;
if (values.help === true) process.stdout.write(HELP);
else if (problem === null) {
  const { version } = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as { version: string };
  const name = `netns-audit-${version}-${platform}.tar.gz`;
  const bytes = await makeArchive(dist, node);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, name), bytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(out, `${name}.sha256`), `${digest}  ${name}\n`);
  process.stdout.write(`${join(out, name)}, ${(bytes.length / 1e6).toFixed(1)} MB\n`);
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}
