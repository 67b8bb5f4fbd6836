/**
 * The image of deploy/image without Docker: the folders that its Dockerfile copies, with the clone's Node.js
 * and this machine's libraries as the base, as an OCI archive.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from './run.ts';

const root = new URL('../../', import.meta.url).pathname;
export const dockerfile = readFileSync(join(root, 'deploy/image/Dockerfile'), 'utf8');

/**
 * @param directory - working directory, which also gets the archive
 * @returns the archive's file
 */
export async function buildImage(directory: string, name: string): Promise<string> {
  await must('node', [join(root, 'scripts/build-package.ts')]);
  const rootfs = join(directory, 'rootfs');
  for (const [, from = '', to = ''] of dockerfile.matchAll(/^COPY --from=build (.+) (\S+)$/gm))
    for (const path of from.split(' ')) {
      const target = join(rootfs, to.endsWith('/') ? join(to, path.split('/').at(-1) ?? '') : to);
      cpSync(join(root, path.replace('/src/', '')), target, { recursive: true });
    }
  const node = realpathSync(process.execPath);
  copy(node, join(rootfs, 'usr/local/bin/node'));
  for (const library of await librariesOf(node)) copy(library, join(rootfs, library));
  mkdirSync(join(rootfs, 'tmp'), { recursive: true });

  const layer = join(directory, 'layer.tar');
  await must('tar', ['--owner=0', '--group=0', '--numeric-owner', '-C', rootfs, '-cf', layer, '.']);
  const layout = join(directory, 'layout');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const content = readFileSync(layer);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = blob(
    layout,
    'application/vnd.oci.image.config.v1+json',
    JSON.stringify({
      os: 'linux',
      architecture,
      config: { Entrypoint: entrypoint(), User: user(), Env: ['PATH=/usr/local/bin:/usr/bin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [digest(content)] },
    }),
  );
  const layers = [
    blob(layout, 'application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(content, { level: 1 })),
  ];
  const manifest = blob(
    layout,
    'application/vnd.oci.image.manifest.v1+json',
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers,
    }),
  );
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  const archive = join(directory, 'image.tar');
  await must('tar', ['-C', layout, '-cf', archive, '.']);
  return archive;
}

function entrypoint(): string[] {
  return JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
}

function user(): string {
  return /^USER (.+)$/m.exec(dockerfile)?.[1] ?? '';
}

/** Shared libraries of a program, and the loader. */
async function librariesOf(program: string): Promise<string[]> {
  const text = await must('ldd', [program]);
  return [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(realpathSync(from), to);
}

function digest(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function blob(layout: string, mediaType: string, text: string | Uint8Array): object {
  const content = Buffer.from(text);
  const name = digest(content);
  writeFileSync(join(layout, 'blobs', name.replace(':', '/')), content);
  return { mediaType, digest: name, size: content.length };
}

async function must(command: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command, args);
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}
