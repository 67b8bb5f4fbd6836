/**
 * Writes the manifest with which krew installs the archives of a folder: `node scripts/krew.ts --archives
 * FOLDER --url URL --homepage URL > netns-audit.yaml`. URL is where the archives will be, without their
 * names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { krewManifest } from './archive/krew-manifest.ts';
import { refuse, scriptOptions } from './options.ts';

const HELP = `node scripts/krew.ts --archives FOLDER --url URL --homepage URL > netns-audit.yaml

Writes the manifest with which krew installs the archives: docs/installing.md.

  --archives FOLDER  what npm run archive wrote, for all platforms
  --url URL          where you will publish the archives, without their names
  --homepage URL     of the plugin
`;

const { archives, url, homepage } = scriptOptions(HELP, ['archives', 'url', 'homepage']);
if (archives === undefined || url === undefined || homepage === undefined) refuse(HELP);

const digests = readdirSync(archives)
  .filter((name) => name.endsWith('.tar.gz.sha256'))
  .toSorted()
  .map((name) => readFileSync(join(archives, name), 'utf8'));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
process.stdout.write(stringify(krewManifest({ version, url, homepage, digests }), { lineWidth: 0 }));
