/**
 * Replaces names in evidence so that it can be shown to others: names of nodes, namespaces, pods, workloads
 * (by labels), Services, the cluster and domains. A name keeps its length and its hyphens: the kernel's
 * binary messages are rewritten in place, and names built from others (a prefix, `POD.NAMESPACE.svc`, the
 * link that a plugin names after a pod) still match them. Addresses, ids, programs and the text of messages
 * stay.
 */
import { randomInt } from 'node:crypto';
import { hashedLinkPrefixes, linkNameHash } from '../model/cni-plugins.ts';
import { type Snapshot, snapshotSchema } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { auditRecordSchema, type StoredEvidence } from './archive.ts';
import { isCommon, staysAsItIs } from './known-names.ts';
import type { BundleFiles } from './unpack.ts';

/** A word, with the separator before the next: `web-7d4b9.shop.svc`. */
const JOINED = /[A-Za-z0-9]+(?:[-._][A-Za-z0-9]+)*/g;
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/;
const DOMAIN = /\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z]{2,24}\b/g;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Labels of nodes whose values are public: names of what a cloud or Kubernetes offers. */
const PUBLIC_LABEL =
  /^(?:beta\.)?(?:node\.)?kubernetes\.io\/(?:arch|os|instance-type)$|^(?:topology|failure-domain\.beta)\.(?:kubernetes\.io|k8s\.aws)\/|capacitytype$/i;

/** Replaces names consistently in all evidence that it has learned from. */
export class Renaming {
  readonly #names = new Map<string, string>();
  /** Names of links that plugins derive from pods. */
  readonly #links = new Map<string, string>();
  readonly #parts = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** Words of the evidence's own formats: JSON keys. */
  readonly #keys = new Set<string>();
  readonly #kept = new Set<string>();

  /**
   * Names that were found but are kept, though they may reveal something: short or hexadecimal ones, and
   * words of the evidence itself.
   */
  get kept(): readonly string[] {
    return [...this.#kept].filter((name) => !name.split(/[^A-Za-z0-9]+/).every(isCommon)).toSorted();
  }

  /** Original and new names. */
  get names(): ReadonlyMap<string, string> {
    return this.#names;
  }

  /** Learns the names in one node's evidence. Learn all nodes of a run before renaming any. */
  learn({ files, before, after, audit }: StoredEvidence): void {
    for (const key of Object.keys(before.node)) this.#keys.add(key);
    for (const bytes of files?.values() ?? [])
      for (const [, key = ''] of latin1(bytes).matchAll(/"([A-Za-z_]{3,40})":/g)) this.#keys.add(key);
    this.#add(audit.cluster.name);
    for (const snapshot of [before, after]) if (snapshot !== null) this.#learnSnapshot(snapshot);
    for (const [path, bytes] of files ?? []) this.#learnFile(path, latin1(bytes));
  }

  #learnSnapshot({ node, pods, events, cluster, cniRecords, serviceEndpoints, crossing }: Snapshot): void {
    for (const name of [node.name, ...node.addresses]) this.#addUnlessAddress(name);
    for (const [key, value] of Object.entries(node.labels)) if (!PUBLIC_LABEL.test(key)) this.#add(value);
    for (const { namespace, name, labels, runtimeClass, dnsConfig } of pods) {
      this.#addPod(namespace, name);
      for (const value of [...Object.values(labels), runtimeClass, ...(dnsConfig?.searches ?? [])])
        this.#add(value ?? '');
    }
    for (const { namespace, name, kind, message } of events) {
      if (kind === 'Pod' && namespace !== null) this.#addPod(namespace, name);
      else for (const each of [namespace ?? '', name]) this.#add(each);
      this.#learnDomains(message);
    }
    this.#learnDomains(node.notReadyMessage ?? '');
    if (cniRecords?.ciliumEndpoints.status === 'present')
      for (const { namespace, name } of cniRecords.ciliumEndpoints.value) this.#addPod(namespace, name);
    if (serviceEndpoints?.status === 'present')
      for (const { namespace, pod, service } of serviceEndpoints.value) {
        this.#addPod(namespace, pod);
        this.#add(service);
      }
    if (crossing?.status === 'planned') {
      this.#addUnlessAddress(crossing.next.name);
      for (const { namespace, name } of [...crossing.sources, ...crossing.targets])
        this.#addPod(namespace, name);
    }
    for (const { namespace, name } of cluster?.dnsServices ?? [])
      for (const each of [namespace, name]) this.#add(each);
    for (const other of cluster?.nodes ?? [])
      for (const name of [other.name, ...other.addresses]) this.#addUnlessAddress(name);
  }

  /** Pods that only the node knows, its host name and its search domains. */
  #learnFile(path: string, text: string): void {
    const pods = new Map<string, string>();
    for (const line of text.split('\n')) {
      const [, hostname = ''] = /^hostname=(.+)$/.exec(line) ?? [];
      this.#add(hostname);
      if (/resolv/.test(path))
        for (const domain of /(?:^|:)(?:search|domain)\s+(.*)$/.exec(line)?.[1]?.split(/\s+/) ?? [])
          this.#add(domain);
      const namespace =
        /"(?:K8S_POD_NAMESPACE|io\.kubernetes\.(?:cri\.sandbox-|pod\.|cri-o\.)?[Nn]amespace)"[:,]"([^"]+)"/.exec(
          line,
        )?.[1];
      const name =
        /"(?:K8S_POD_NAME|io\.kubernetes\.(?:cri\.sandbox-name|pod\.name|cri-o\.KubeName))"[:,]"([^"]+)"/.exec(
          line,
        )?.[1];
      if (namespace !== undefined && name !== undefined) pods.set(namespacedName({ namespace, name }), name);
    }
    for (const [pod, name] of pods) this.#addPod(pod.slice(0, -name.length - 1), name);
  }

  #learnDomains(text: string): void {
    for (const [domain] of text.matchAll(DOMAIN)) this.#add(domain);
  }

  #addPod(namespace: string, name: string): void {
    this.#add(namespace);
    this.#add(name);
    const renamed = { namespace: this.#nameOf(namespace), name: this.#nameOf(name) };
    const [old, now] = [linkNameHash({ namespace, name }), linkNameHash(renamed)];
    if (old !== now) for (const prefix of hashedLinkPrefixes) this.#links.set(prefix + old, prefix + now);
  }

  #nameOf(name: string): string {
    return this.#names.get(name) ?? name;
  }

  #addUnlessAddress(name: string): void {
    if (!/^[0-9.]+$|:/.test(name)) this.#add(name);
  }

  #add(name: string): void {
    if (!NAME.test(name) || this.#names.has(name) || this.#kept.has(name)) return;
    const renamed = name.replaceAll(/[A-Za-z0-9]+/g, (part) => this.#part(part));
    if (renamed === name || this.#keys.has(name)) this.#kept.add(name);
    else this.#names.set(name, renamed);
  }

  #part(part: string): string {
    if (staysAsItIs(part)) return part;
    let renamed = this.#parts.get(part);
    for (let tries = 0; renamed === undefined && tries < 1000; tries += 1) {
      const candidate = part.replaceAll(/./g, (character) => sameKind(character));
      if (!this.#taken.has(candidate) && !staysAsItIs(candidate)) renamed = candidate;
    }
    renamed ??= part;
    this.#taken.add(renamed);
    this.#parts.set(part, renamed);
    return renamed;
  }

  /** The text with learned names replaced; its length stays the same. */
  text(text: string): string {
    return text.replaceAll(
      JOINED,
      (joined) => this.#links.get(joined) ?? this.#names.get(joined) ?? this.#inside(joined),
    );
  }

  /** Longest names first, whole parts only. */
  #inside(joined: string): string {
    const parts = joined.split(/([-._])/);
    let out = '';
    for (let at = 0; at < parts.length; ) {
      let end = Math.min(parts.length, at + 41);
      while (end > at && !this.#names.has(parts.slice(at, end).join(''))) end -= 2;
      const whole = parts.slice(at, Math.max(end, at + 1)).join('');
      out += this.#nameOf(whole);
      at = Math.max(end, at + 1);
      out += parts[at] ?? '';
      at += 1;
    }
    return out;
  }

  /** One node's evidence with all learned names replaced. */
  evidence({ files, before, after, audit }: StoredEvidence): StoredEvidence {
    const json = (value: unknown): unknown => JSON.parse(this.text(JSON.stringify(value)));
    return {
      files: files === null ? null : this.#files(files),
      before: snapshotSchema.parse(json(before)),
      after: snapshotSchema.nullable().parse(json(after)),
      audit: auditRecordSchema.parse(json(audit)),
    };
  }

  #files(files: BundleFiles): BundleFiles {
    return new Map(
      [...files].map(([path, bytes]) => [path, Buffer.from(this.text(latin1(bytes)), 'latin1')]),
    );
  }
}

/** Names contain only ASCII, and each byte becomes one character, so binary files keep their lengths. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function sameKind(character: string): string {
  if (/\d/.test(character)) return String(randomInt(10));
  const letter = LETTERS.charAt(randomInt(LETTERS.length));
  return /[A-Z]/.test(character) ? letter.toUpperCase() : letter;
}
