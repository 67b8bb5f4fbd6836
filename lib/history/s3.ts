/** A store in an S3 bucket, or at any endpoint with S3's API and conditional writes. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { AuditError, messageOf } from '../model/errors.ts';
import { assertInside, LARGEST_OBJECT, type PutResult, type Store, type Stored } from './store.ts';

export type S3Place = { readonly bucket: string; readonly prefix: string };

/** Two simultaneous writers get 409 for a moment; then one of them has won. */
const CONFLICT_TRIES = 20;

/** @throws AuditError USAGE if it is not `s3://bucket/prefix`. */
export function parseS3Place(place: string): S3Place {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(place);
  if (match === null) {
    throw new AuditError('USAGE', `${place} is not a place in S3`, {
      remedy: 'Write it as s3://bucket or s3://bucket/prefix.',
    });
  }
  return { bucket: match[1] ?? '', prefix: (match[2] ?? '').replaceAll(/^\/+|\/+$/g, '') };
}

/**
 * Keeps all objects below one prefix of a bucket, on S3 or a compatible server with conditional writes. All methods
 * throw AuditError STORE.
 */
export class S3Store implements Store {
  readonly location: string;
  readonly #place: S3Place;
  #client: Promise<S3Client> | null = null;
  #conditions: Promise<void> | null = null;

  /** Credentials, region and endpoint come from the environment (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3 …). */
  constructor(place: S3Place) {
    this.#place = place;
    this.location = `s3://${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`;
  }

  async putOnce(key: string, body: Uint8Array): Promise<PutResult> {
    return (await this.#put(key, body, { IfNoneMatch: '*' })) ? 'written' : 'exists';
  }

  async replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean> {
    return await this.#put(key, body, etag === null ? { IfNoneMatch: '*' } : { IfMatch: etag });
  }

  async get(key: string, most = LARGEST_OBJECT): Promise<Stored | null> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    return await this.#guarded('read', key, async (client) => {
      try {
        const object = await client.send(
          new GetObjectCommand({ Bucket: this.#place.bucket, Key: this.#key(key) }),
        );
        const size = object.ContentLength ?? 0;
        if (size > most) {
          // Nobody reads the rest, and others can use its connection.
          if (object.Body instanceof Readable) object.Body.destroy();
          throw new TooLarge(`it has ${size} bytes, and no more than ${most} are read`);
        }
        const body = await object.Body?.transformToByteArray();
        return { body: body ?? new Uint8Array(), etag: object.ETag ?? '' };
      } catch (error) {
        if (nameOf(error) === 'NoSuchKey') return null;
        throw error;
      }
    });
  }

  async *list(prefix: string): AsyncIterable<string> {
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const own = this.#key('').length;
    let token: string | undefined;
    do {
      const page = await this.#guarded('list', prefix, (client) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: this.#place.bucket,
            Prefix: this.#key(prefix),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key.slice(own);
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** @returns false when the condition does not hold. */
  async #put(
    key: string,
    body: Uint8Array,
    condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  ): Promise<boolean> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const command = new PutObjectCommand({
      Bucket: this.#place.bucket,
      Key: this.#key(key),
      Body: body,
      ContentType: contentType(key),
      ...condition,
    });
    return await this.#guarded('write', key, async (client) => {
      this.#conditions ??= this.#assertConditions(client);
      await this.#conditions;
      for (let tries = 1; ; tries += 1) {
        try {
          await client.send(command);
          return true;
        } catch (error) {
          const name = nameOf(error);
          if (name === 'PreconditionFailed') return false;
          // The object to replace is gone.
          if (name === 'NoSuchKey' && condition.IfMatch !== undefined) return false;
          if (name !== 'ConditionalRequestConflict' || tries === CONFLICT_TRIES) throw error;
          await sleep(50 * Math.random() * tries);
        }
      }
    });
  }

  /**
   * Servers other than AWS may not know conditional writes, or ignore them: two audits would then silently
   * overwrite each other. Two requests, once per process.
   */
  async #assertConditions(client: S3Client): Promise<void> {
    // The functions of the stack use its bucket, and have no right to write this.
    if (elsewhere() === undefined || process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined) return;
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const isHeld = async (
      condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
    ): Promise<boolean> => {
      const put = { Bucket: this.#place.bucket, Key: this.#key(CONDITIONS), Body: '{}\n', ...condition };
      try {
        await client.send(new PutObjectCommand(put));
        return false;
      } catch (error) {
        if (nameOf(error) === 'NotImplemented') throw new NoConditions('it answers NotImplemented');
        if (!REFUSED.has(nameOf(error))) throw error;
        return true;
      }
    };
    // The first time it does not exist yet.
    if (!(await isHeld({ IfNoneMatch: '*' })) && !(await isHeld({ IfNoneMatch: '*' })))
      throw new NoConditions('If-None-Match is ignored');
    if (!(await isHeld({ IfMatch: '"0"' }))) throw new NoConditions('If-Match is ignored');
  }

  #key(key: string): string {
    return this.#place.prefix === '' ? key : `${this.#place.prefix}/${key}`;
  }

  async #guarded<T>(verb: string, key: string, act: (client: S3Client) => Promise<T>): Promise<T> {
    assertInside(this.location, key);
    try {
      this.#client ??= openClient();
      return await act(await this.#client);
    } catch (error) {
      const name = nameOf(error);
      throw new AuditError('STORE', `cannot ${verb} ${this.location}/${key}: ${name}: ${messageOf(error)}`, {
        cause: error,
        retryable: !(name in remedies),
        remedy: remedies[name] ?? 'S3 was asked several times; try again later.',
      });
    }
  }
}

/** Written to test whether a server honors conditions. */
const CONDITIONS = 'work/conditional-writes.json';
const REFUSED: ReadonlySet<string> = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

class NoConditions extends Error {
  override readonly name = 'NoConditionalWrites';
}

class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

const remedies: Readonly<Record<string, string>> = {
  TooLarge: 'None of ours is so large: remove it with aws s3 rm.',
  NoConditionalWrites:
    'This server does not know conditional writes (If-None-Match, If-Match), without which two audits ' +
    'overwrite each other. Update it, or use one that has them (docs/in-cluster.md), or a directory.',
  NoSuchBucket: 'Check the name of the bucket, or make it.',
  AccessDenied:
    'Allow s3:GetObject, s3:PutObject and s3:ListBucket (and the use of its KMS key) to the role.',
  InvalidAccessKeyId: 'Check the credentials: aws sts get-caller-identity',
  SignatureDoesNotMatch: 'Check the credentials: aws sts get-caller-identity',
  ExpiredToken: 'Sign in again: aws sso login',
  CredentialsProviderError: 'Sign in, or name a profile: AWS_PROFILE=… or aws sso login',
};

async function openClient(): Promise<S3Client> {
  // Loaded on use: a directory store needs none of it.
  const { S3Client } = await import('@aws-sdk/client-s3');
  return new S3Client({
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
    // The bucket may be in another region than the configured one, or none is configured.
    followRegionRedirects: true,
    maxAttempts: 5,
    // S3-compatible servers lack wildcard DNS, and some lack the newer checksums.
    ...(elsewhere() === undefined
      ? {}
      : { forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
  });
}

/** The endpoint, if it is not AWS. */
function elsewhere(): string | undefined {
  return process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
}

function contentType(key: string): string {
  if (key.endsWith('.html')) return 'text/html; charset=utf-8';
  return key.endsWith('.json') ? 'application/json' : 'application/gzip';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
