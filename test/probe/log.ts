/** Logs in the probe's format, for tests. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

export type Entry = {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: NonNullable<Header['type']>;
};

export async function aTarGz(entries: readonly Entry[]): Promise<Buffer> {
  const writer = pack();
  const chunks: Uint8Array[] = [];
  for (const { name, content = '', type = 'file' } of entries) {
    if (type === 'file') writer.entry({ name, type }, Buffer.from(content as string));
    else writer.entry(type === 'directory' ? { name, type } : { name, type, linkname: '/etc/shadow' });
  }
  writer.finalize();
  for await (const chunk of writer as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

export function asLog(archive: Uint8Array): string {
  const digest = createHash('sha256').update(archive).digest('hex');
  const base64 = Buffer.from(archive)
    .toString('base64')
    .replaceAll(/.{1,4000}/g, '$&\n');
  return `${base64}\nnetns-audit-bundle length=${archive.length} sha256=${digest}\n`;
}
