/**
 * Writes the manifest with which krew installs the archives of a folder: `node scripts/krew.ts --archives
 * FOLDER --url URL --homepage URL > netns-audit.yaml`. URL is where the archives will be, without their
 * names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { messageOf } from '../lib/model/errors.ts';
import { krewManifest } from './archive/krew-manifest.ts';

const text = { type: 'string' } as const;
const HELP = `node scripts/krew.ts --archives FOLDER --url URL --homepage URL > netns-audit.yaml

Writes the manifest with which krew installs the archives: docs/installing.md.

  --archives FOLDER  what npm run archive wrote, for all platforms
  --url URL          where you will publish the archives, without their names
  --homepage URL     of the plugin
`;

function options() {
  try {
    return parseArgs({
      options: { archives: text, url: text, homepage: text, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return {};
  }
}

const { archives, url, homepage, help } = options();
if (help === true) process.stdout.write(HELP);
else if (archives === undefined || url === undefined || homepage === undefined) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else {
  const digests = readdirSync(archives)
    .filter((name) => name.endsWith('.tar.gz.sha256'))
    .toSorted()
    .map((name) => readFileSync(join(archives, name), 'utf8'));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  process.stdout.write(stringify(krewManifest({ version, url, homepage, digests }), { lineWidth: 0 }));
}
