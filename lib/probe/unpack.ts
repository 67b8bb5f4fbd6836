/** Turns the log of a probe pod into the files of its bundle. A node is not trusted: everything is limited. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { AuditError, messageOf } from '../model/errors.ts';

/** Files of a bundle by path, such as `netns/4026532400/ip.json`. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>;

export const BUNDLE_LIMITS = {
  /** Length of the log: base64 of 6 MiB, including line ends. */
  logCharacters: 9 * 1024 * 1024,
  archiveBytes: 6 * 1024 * 1024,
  unpackedBytes: 64 * 1024 * 1024,
  fileBytes: 4 * 1024 * 1024,
  files: 30_000,
} as const;

const TRAILER = /^netns-audit-bundle length=(\d{1,9}) sha256=([0-9a-f]{64})$/;
export const PROBE_PATH =
  /^(?:meta|cpu|steps|errors|dropped|resolv(?:\.index)?|sandboxes\.[a-z]+|(?:host|cni|kernel|active)\/[a-z0-9.-]+|netns\/(?:index|gone)|netns\/\d{1,20}\/[a-z0-9.-]+)$/;

/**
 * A bundle about which nothing can be concluded.
 * @param why - a clause
 */
export function invalidBundle(why: string, cause?: unknown): AuditError {
  return new AuditError('BUNDLE_INVALID', `The probe's bundle is not valid: ${why}`, {
    remedy: 'Run the audit of this node again; if it repeats, with a longer --deadline.',
    retryable: true,
    cause,
  });
}

/**
 * Verifies and unpacks what the probe printed.
 * @throws AuditError BUNDLE_INVALID if anything differs from what the probe writes
 */
export async function unpackLog(log: string): Promise<BundleFiles> {
  return await unpackArchive(archiveFromLog(log));
}

/** The tar.gz in a log, after its length and digest were checked against the last line. */
function archiveFromLog(log: string): Uint8Array {
  if (log.length > BUNDLE_LIMITS.logCharacters) throw invalidBundle(`the log has ${log.length} characters`);
  const text = log.trimEnd();
  const end = text.lastIndexOf('\n');
  const trailer = TRAILER.exec(text.slice(end + 1).trimEnd());
  if (trailer === null)
    throw invalidBundle('the log ends without a trailer: it was cut, or the probe did not finish');
  const encoded = text.slice(0, Math.max(end, 0)).replaceAll(/[\r\n]/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded))
    throw invalidBundle('the log has characters that are not base64');
  const archive = Buffer.from(encoded, 'base64');
  // Unused bits of the last character and missing padding decode to the same bytes, so only one form is
  // accepted.
  if (archive.toString('base64') !== encoded)
    throw invalidBundle('the log is not the base64 that the probe wrote');
  if (archive.length !== Number(trailer[1])) {
    throw invalidBundle(`it has ${archive.length} bytes, the trailer says ${trailer[1]}`);
  }
  if (createHash('sha256').update(archive).digest('hex') !== trailer[2])
    throw invalidBundle('its digest differs from the trailer');
  return archive;
}

/**
 * Unpacks a tar.gz of the probe. `allowed` says which paths may be in it.
 * @throws AuditError BUNDLE_INVALID
 */
export async function unpackArchive(archive: Uint8Array, allowed: RegExp = PROBE_PATH): Promise<BundleFiles> {
  if (archive.length > BUNDLE_LIMITS.archiveBytes) throw invalidBundle(`it has ${archive.length} bytes`);
  let tar: Uint8Array;
  try {
    tar = gunzipSync(archive, { maxOutputLength: BUNDLE_LIMITS.unpackedBytes });
  } catch (error) {
    throw invalidBundle(`gzip: ${messageOf(error)}`, error);
  }
  const files = new Map<string, Uint8Array>();
  const reader = extract();
  try {
    reader.end(tar);
    for await (const entry of reader) {
      const { name, type, size = 0 } = entry.header;
      const path = name.replace(/^\.\//, '').replace(/\/$/, '');
      if (type === 'directory') {
        entry.resume();
        continue;
      }
      if (type !== 'file')
        throw invalidBundle(`${JSON.stringify(path.slice(0, 100))} is a ${type}, not a file`);
      if (!allowed.test(path)) throw invalidBundle(`it has a file ${JSON.stringify(path.slice(0, 100))}`);
      if (size > BUNDLE_LIMITS.fileBytes) throw invalidBundle(`${path} has ${size} bytes`);
      if (files.has(path)) throw invalidBundle(`${path} is in it twice`);
      if (files.size >= BUNDLE_LIMITS.files)
        throw invalidBundle(`it has more than ${BUNDLE_LIMITS.files} files`);
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk);
      files.set(path, Buffer.concat(chunks));
    }
  } catch (error) {
    throw error instanceof AuditError ? error : invalidBundle(`tar: ${messageOf(error)}`, error);
  }
  return files;
}
