/** The content of an archive: one folder, netns-audit/, that runs wherever it is unpacked. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

/** Node.js's names of platforms. Its Linux builds need glibc. */
export const PLATFORMS: readonly string[] = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];

/** The construct and its functions are useless without npm, which installs them. */
const LEFT_OUT = /^(?:construct|construct-cjs|functions)\//;

/**
 * @param dist - the built package
 * @param node - bin/node of an unpacked Node.js, with its LICENSE in the parent folder
 * @returns a tar.gz with the same bytes for the same files
 */
export async function makeArchive(dist: string, node: string): Promise<Buffer> {
  const tar = pack();
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  })();
  const add = (name: string, content: Buffer, mode = 0o644): void => {
    tar.entry({ name: `netns-audit/${name}`, mode, mtime: new Date(0) }, content);
  };
  add('kubectl-netns_audit', readFileSync(new URL('launcher.sh', import.meta.url)), 0o755);
  add('netns-audit', readFileSync(new URL('launcher.sh', import.meta.url)), 0o755);
  add('node/bin/node', readFileSync(node), 0o755);
  add('node/LICENSE', readFileSync(join(dirname(node), '../LICENSE')));
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }).toSorted())
    if (!LEFT_OUT.test(file) && statSync(join(dist, file)).isFile())
      add(`program/${file}`, readFileSync(join(dist, file)));
  tar.finalize();
  await reading;
  return await promisify(gzip)(Buffer.concat(chunks));
}
