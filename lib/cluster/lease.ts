/** One holder at a time, by a Lease of the API: two processes never repair a cluster at once. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { command } from '../model/shell.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';

const leaseSchema = z.object({
  metadata: z.object({ uid: z.string(), resourceVersion: z.string() }),
  spec: z.object({
    holderIdentity: z.string().nullish(),
    renewTime: z.string().nullish(),
    leaseDurationSeconds: z.number().nullish(),
  }),
});

/** Longer than any single act; a killed process holds it this long. */
const SECONDS = 900;

/** Characters of who holds it: a name of AWS may be long, and only its end tells two calls apart. */
const MOST = 200;

/** The holder for {@link Lease.take}: who it is, and which process to look for before the lease is deleted by hand. */
export function holderOf(who: string): string {
  return `${who.slice(0, MOST)} (process ${process.pid} on ${hostname().slice(0, 64)}) ${randomUUID()}`;
}

/** A Lease that this process holds. */
export class Lease {
  readonly #cluster: Cluster;
  readonly #path: string;
  readonly #name: string;
  readonly #holder: string;
  #version: string;

  private constructor(cluster: Cluster, path: string, name: string, holder: string, version: string) {
    this.#cluster = cluster;
    this.#path = path;
    this.#name = name;
    this.#holder = holder;
    this.#version = version;
  }

  /**
   * Takes the lease, even from a holder that did not renew it in time.
   *
   * @throws AuditError CLUSTER_API if somebody else holds it, with the holder and the expiry
   */
  static async take(cluster: Cluster, namespace: string, name: string, holder: string): Promise<Lease> {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
    const made = (version: string): Lease => new Lease(cluster, path, name, holder, version);
    for (let tries = 0; tries < 3; tries += 1) {
      try {
        const body = leaseOf(name, holder);
        return made(await versionOf(cluster, { method: 'POST', path, what: `take the lease ${name}`, body }));
      } catch (error) {
        if (statusOf(error) !== 409) throw error;
      }
      const found = await cluster.transport
        .json({ path: `${path}/${name}`, what: `get the lease ${name}` })
        .catch((error: unknown) => {
          if (statusOf(error) === 404) return null;
          throw error;
        });
      if (found === null) continue;
      const { metadata, spec } = leaseSchema.parse(found);
      // Our own create, whose answer was lost.
      if (spec.holderIdentity === holder) return made(metadata.resourceVersion);
      const until = Date.parse(spec.renewTime ?? '') + (spec.leaseDurationSeconds ?? SECONDS) * 1000;
      if (!(until < Date.now()))
        throw new AuditError('CLUSTER_API', `${spec.holderIdentity} repairs this cluster already`, {
          remedy:
            `Wait until it is done. If it was killed, its lease ends at ${new Date(until).toISOString()}. ` +
            `If you are sure that it was killed, you need not wait: ${deletionOf(cluster, namespace, name)}`,
        });
      await cluster.transport
        .json({
          method: 'DELETE',
          path: `${path}/${name}`,
          what: `take over the lease ${name}`,
          body: { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } },
        })
        .catch((error: unknown) => {
          if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
        });
    }
    throw new AuditError('CLUSTER_API', `others take the lease ${name} all the time`, {
      retryable: true,
      remedy: 'Try again in a minute.',
    });
  }

  /** Extends the lease. @throws AuditError CLUSTER_* if somebody else has taken it: the caller must then stop. */
  async renew(): Promise<void> {
    const path = `${this.#path}/${this.#name}`;
    const renewed = async (): Promise<string> =>
      await versionOf(this.#cluster, {
        method: 'PUT',
        path,
        what: `renew the lease ${this.#name}`,
        body: leaseOf(this.#name, this.#holder, this.#version),
      });
    try {
      this.#version = await renewed();
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      // Our own renewal, whose answer was lost.
      const found = leaseSchema.parse(
        await this.#cluster.transport.json({ path, what: `get the lease ${this.#name}` }),
      );
      if (found.spec.holderIdentity !== this.#holder) throw error;
      this.#version = found.metadata.resourceVersion;
      this.#version = await renewed();
    }
  }

  /** Gives the lease back, unless somebody else has taken it. @throws AuditError CLUSTER_* */
  async release(): Promise<void> {
    await this.#cluster.transport
      .json({
        method: 'DELETE',
        path: `${this.#path}/${this.#name}`,
        what: `release the lease ${this.#name}`,
        body: { preconditions: { resourceVersion: this.#version } },
      })
      .catch((error: unknown) => {
        if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
      });
  }
}

/** Deletes it by hand: a process that still repairs stops when it renews the lease. */
function deletionOf({ name, kubectl }: Cluster, namespace: string, lease: string): string {
  const line = command('kubectl', ...(kubectl ?? []), 'delete', 'lease', '-n', namespace, lease);
  return kubectl === undefined ? `on cluster ${name}: ${line}` : line;
}

function leaseOf(name: string, holder: string, resourceVersion?: string): object {
  // A MicroTime has six digits.
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: { holderIdentity: holder, leaseDurationSeconds: SECONDS, acquireTime: renewTime, renewTime },
  };
}

async function versionOf(
  cluster: Cluster,
  request: Parameters<Cluster['transport']['json']>[0],
): Promise<string> {
  return leaseSchema.parse(await cluster.transport.json(request)).metadata.resourceVersion;
}
