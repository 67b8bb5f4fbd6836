/**
 * What simulated nodes (kwok's, for example) would say if they ran anything: the recorded healthy node of the
 * demo and its pods, with names, ids and addresses of their own. Other nodes are left alone.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type BundleFiles, readArchive } from '../lib/probe/index.ts';
import { logOf } from '../test/audit/recorded.ts';
import type { ApiObject } from '../test/stub/api-server.ts';
import { rawPod } from '../test/stub/raw.ts';

/** Of the pods that stand for those of the recording; the API server has them, with what kwok knows. */
const NAMESPACE = 'simulated';

type Recording = {
  readonly files: BundleFiles;
  readonly pods: readonly ApiObject[];
  /** Changes a text of the recording into one of a node. */
  readonly rename: (text: string, node: Node, probe: ApiObject | null) => string;
};
type Node = { readonly name: string; readonly number: number };

export class Simulation {
  /** By name. */
  readonly #nodes = new Map<string, Node>();
  /** By name of the probe pod. */
  readonly #probes = new Map<string, ApiObject>();
  readonly #recording: Recording;

  private constructor(recorded: Recording) {
    this.#recording = recorded;
  }

  static async start(): Promise<Simulation> {
    return new Simulation(await recording());
  }

  get nodes(): number {
    return this.#nodes.size;
  }

  /** @param name - of a simulated node */
  add(name: string): void {
    this.#nodes.set(name, { name, number: this.#nodes.size });
  }

  /** @param uid - what the API server gave to the probe pod */
  created(pod: ApiObject, uid: string): void {
    this.#probes.set(pod.metadata.name, { ...pod, metadata: { ...pod.metadata, uid } });
  }

  /** A page of nodes, each simulated one with addresses that no other has. */
  nodeList(list: Buffer): Buffer {
    return changed(list, (items) =>
      items.map((item) => {
        const node = this.#nodes.get(item.metadata.name);
        if (node === undefined) return item;
        const addresses = [{ type: 'InternalIP', address: `${uplink(node)}11` }];
        return {
          ...item,
          spec: { ...item.spec, podCIDR: `${range(node)}0/24`, podCIDRs: [`${range(node)}0/24`] },
          status: { ...item.status, addresses },
        };
      }),
    );
  }

  /** The pods of one node: of a simulated one, those of the recording and its probe pod. */
  podList(list: Buffer, nodeName: string): Buffer {
    const node = this.#nodes.get(nodeName);
    if (node === undefined) return list;
    const shown = this.#podsOf(node);
    return changed(list, (items) => [
      ...items.filter(({ metadata }) => metadata.namespace !== NAMESPACE),
      ...shown,
    ]);
  }

  /** Lines of a watch over the pods of one node: of a simulated one, those of the recording and its probe pod. */
  async *podEvents(watch: Readable, nodeName: string): AsyncGenerator<string> {
    const node = this.#nodes.get(nodeName);
    const shown = node === undefined ? [] : this.#podsOf(node);
    for (const object of shown) yield `${JSON.stringify({ type: 'ADDED', object })}\n`;
    try {
      for await (const line of createInterface({ input: watch })) {
        const { object } = JSON.parse(line) as { object: ApiObject };
        if (node === undefined || object.metadata.namespace !== NAMESPACE) yield `${line}\n`;
      }
    } catch (error) {
      if (!watch.destroyed) throw error;
    }
  }

  #podsOf(node: Node): ApiObject[] {
    const { pods, rename } = this.#recording;
    return JSON.parse(rename(JSON.stringify(pods), node, null)) as ApiObject[];
  }

  /** The log of a probe pod; `answer` where its node is not simulated. */
  async log(pod: string, answer: Buffer): Promise<Buffer> {
    const probe = this.#probes.get(pod);
    const node = this.#nodes.get(String(probe?.spec?.nodeName));
    if (probe === undefined || node === undefined) return answer;
    const { files, rename } = this.#recording;
    const renamed = [...files].map(([path, content]): [string, Uint8Array] => {
      const text = rename(Buffer.from(content).toString('latin1'), node, probe);
      const now = `time=${Math.floor(Date.now() / 1000)}`;
      return [path, Buffer.from(path === 'meta' ? text.replace(/^time=\d+$/m, now) : text, 'latin1')];
    });
    return Buffer.from(await logOf(new Map(renamed)));
  }
}

const range = ({ number }: Node): string => `10.${128 + (number >> 8)}.${number & 255}.`;
const uplink = ({ number }: Node): string => `172.${16 + (number >> 8)}.${number & 255}.`;

function changed(list: Buffer, change: (items: ApiObject[]) => ApiObject[]): Buffer {
  const parsed = JSON.parse(list.toString()) as { items?: ApiObject[] };
  return Buffer.from(JSON.stringify({ ...parsed, items: change(parsed.items ?? []) }));
}

async function recording(): Promise<Recording> {
  const archive = readFileSync(new URL('../demo/healthy.tar.gz', import.meta.url));
  const { files, before, after } = await readArchive(archive);
  if (files === null || after === null) throw new Error('the recording has no probe');
  const pods = after.pods.filter(({ uid }) => before.pods.some((each) => each.uid === uid));
  const sandboxes = Buffer.from(files.get('sandboxes.ndjson') ?? '').toString();
  // The recording's own probe pod, which its lists do not have.
  const [, probeName = '', probeUid = ''] =
    /sandbox-name":"(netns-audit-node-1-[0-9a-f]+)".*?sandbox-uid":"([^"]+)"/.exec(sandboxes) ?? [];
  const uids = pods.map(({ uid }) => uid);
  const names = pods.map(({ name }) => name);
  const known = new RegExp([...uids, ...names, probeName, probeUid].join('|'), 'g');
  return {
    files,
    pods: pods.map(rawPod),
    rename: (text, node, probe) =>
      text
        .replaceAll(known, (found) => {
          if (found === probeName) return probe?.metadata.name ?? found;
          if (found === probeUid) return probe?.metadata.uid ?? found;
          const digest = createHash('sha256').update(`${node.name} ${found}`).digest('hex');
          return uids.includes(found)
            ? digest.slice(0, 8) + found.slice(8)
            : found.replace(/-[^-]+$/, `-${digest.slice(0, 8)}`);
        })
        .replaceAll('10.244.1.', range(node))
        .replaceAll('10.99.0.', uplink(node))
        .replaceAll('node-1', node.name),
  };
}
