/**
 * Replaces runtime specs that cannot be read, for example after a crash or on a full disk: containers' specs
 * name their sandbox, the CNI's cache shows what it attached, a cgroup has its pod's uid, and the API has the
 * containers' ids.
 */
import type { z } from 'zod';
import type { CniResult } from '../../model/evidence.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { isStaticPod } from '../../model/sandbox-owner.ts';
import type { ProcessLine } from './processes.ts';
import type { Listed, specLine } from './runtime-spec.ts';

type Spec = z.infer<typeof specLine>;

type Known = {
  readonly specs: readonly Spec[];
  readonly listed: ReadonlyMap<string, Listed>;
  readonly byPid: ReadonlyMap<number, ProcessLine>;
  readonly results: readonly CniResult[];
  readonly pods: readonly Pod[];
};

/**
 * Specs that replace the unreadable ones. If a container does not run, its spec is left out: nothing of it is
 * judged.
 * @throws Error if a container runs and nothing shows whose it is
 */
export function restored(unread: readonly Listed[], known: Known): Spec[] {
  // Sandboxes first, as containers with unreadable specs may belong to them.
  const sandboxes = unread.flatMap((entry) => restoredSandbox(entry, known) ?? []);
  const resolved = new Set(sandboxes.map(({ file }) => file));
  // A sandbox's process starts before those of its containers.
  const rest = unread
    .filter(({ file }) => !resolved.has(file))
    .flatMap((entry) => {
      const process = processOf(entry, known);
      return process === undefined ? [] : [{ entry, process }];
    })
    .sort((a, b) => a.process.pid - b.process.pid);
  const containers = rest.filter(({ entry, process }) => {
    const others = [...known.specs.filter(isSandbox), ...sandboxes];
    const sandbox = sandboxOfProcess(entry, process, others, known);
    if (sandbox !== null) sandboxes.push(sandbox);
    return sandbox === null;
  });
  const owners = [...known.specs.filter(isSandbox), ...sandboxes];
  return [
    ...sandboxes,
    ...containers.map(({ entry, process }) => containerOf(entry, process, owners, known)),
  ];
}

/** The process that the runtime lists, if it runs in that container's cgroup. */
function processOf(entry: Listed, { byPid }: Known): ProcessLine | undefined {
  const found = entry.pid === null ? undefined : byPid.get(entry.pid);
  return found?.containerId === entry.id ? found : undefined;
}

/** A sandbox that a container names, or that the CNI attached. */
function restoredSandbox(entry: Listed, known: Known): Spec | null {
  const { specs, listed, byPid, results } = known;
  const result = results.find(({ containerId }) => containerId === entry.id);
  const process = processOf(entry, known);
  const container = specs.find((spec) => sandboxOf(spec) === entry.id);
  const inside = [process, byPid.get(listed.get(container?.file ?? '')?.pid ?? -1)];
  const attached = result !== undefined || inside.some((each) => hasNetwork(each, known));
  const spec = {
    file: entry.file,
    namespaces: attached ? [{ type: 'network', path: result?.namespacePath ?? null }] : [],
  };
  if (container !== undefined) {
    const { annotations } = container;
    const uid = uidIn(annotations) ?? process?.podUid ?? '';
    return { ...spec, annotations: { ...annotations, ...type('sandbox'), [UID]: uid } };
  }
  if (result?.podName == null || result.podNamespace === null) return null;
  const annotations = {
    ...type('sandbox'),
    [NAME]: result.podName,
    [NAMESPACE]: result.podNamespace,
    [UID]: result.podUid ?? process?.podUid ?? '',
  };
  return { ...spec, annotations };
}

/**
 * The sandbox of a pod that has no other, for example one in the node's network, which no CNI knows: it runs
 * in the pod's cgroup, and the API does not list it as a container.
 */
function sandboxOfProcess(
  entry: Listed,
  process: ProcessLine,
  others: readonly Spec[],
  known: Known,
): Spec | null {
  const pod = known.pods.find(
    (each) =>
      each.uid === process.podUid ||
      (isStaticPod(each) && each.annotations['kubernetes.io/config.hash'] === process.podUid),
  );
  if (pod === undefined || process.podUid === null) return null;
  if (pod.containers.some(({ id }) => id === entry.id)) return null;
  const isOfPod = ({ annotations }: Spec) =>
    uidIn(annotations) === process.podUid ||
    (nameIn(annotations) === pod.name && namespaceIn(annotations) === pod.namespace);
  if (others.some(isOfPod)) return null;
  return {
    file: entry.file,
    namespaces: hasNetwork(process, known) ? [{ type: 'network', path: null }] : [],
    annotations: {
      ...type('sandbox'),
      [NAME]: pod.name,
      [NAMESPACE]: pod.namespace,
      [UID]: process.podUid,
    },
  };
}

/** A container of the sandbox whose pod or network it shares. */
function containerOf(entry: Listed, process: ProcessLine, sandboxes: readonly Spec[], known: Known): Spec {
  const { listed, byPid, pods } = known;
  const pod = pods.find(({ containers }) => containers.some(({ id }) => id === entry.id));
  const owner = sandboxes.find((each) => {
    const { annotations } = each;
    const uid = uidIn(annotations);
    if (uid !== undefined && (uid === process.podUid || uid === pod?.uid)) return true;
    if (pod !== undefined)
      return nameIn(annotations) === pod.name && namespaceIn(annotations) === pod.namespace;
    const pause = byPid.get(listed.get(each.file)?.pid ?? -1);
    return hasNetwork(process, known) && pause?.networkNamespace === process.networkNamespace;
  });
  const sandbox = owner === undefined ? undefined : listed.get(owner.file);
  if (sandbox === undefined) {
    throw new Error(`the runtime spec ${entry.file} could not be read, and nothing tells whose it is`);
  }
  return {
    file: entry.file,
    namespaces: hasNetwork(process, known) ? [{ type: 'network', path: null }] : [],
    annotations: { ...type('container'), [SANDBOX]: sandbox.id },
  };
}

/** Whether it runs in a network other than the node's. */
function hasNetwork(process: ProcessLine | undefined, { byPid }: Known): boolean {
  return process !== undefined && process.networkNamespace !== byPid.get(1)?.networkNamespace;
}

const NAME = 'io.kubernetes.cri.sandbox-name';
const NAMESPACE = 'io.kubernetes.cri.sandbox-namespace';
const UID = 'io.kubernetes.cri.sandbox-uid';
const SANDBOX = 'io.kubernetes.cri.sandbox-id';

const type = (kind: 'sandbox' | 'container') => ({ 'io.kubernetes.cri.container-type': kind });

const nameIn = (annotations: Spec['annotations']) =>
  annotations[NAME] ?? annotations['io.kubernetes.pod.name'];
const namespaceIn = (annotations: Spec['annotations']) =>
  annotations[NAMESPACE] ?? annotations['io.kubernetes.pod.namespace'];
const uidIn = (annotations: Spec['annotations']) => annotations[UID] ?? annotations['io.kubernetes.pod.uid'];

function isSandbox({ annotations }: Spec): boolean {
  const kind =
    annotations['io.kubernetes.cri.container-type'] ??
    annotations['io.kubernetes.cri-o.ContainerType'] ??
    annotations['io.kubernetes.docker.type'];
  return kind === 'sandbox' || kind === 'podsandbox';
}

/** The sandbox of a container; null for a sandbox. */
function sandboxOf(spec: Spec): string | null {
  if (isSandbox(spec)) return null;
  const { annotations } = spec;
  return (
    annotations[SANDBOX] ??
    annotations['io.kubernetes.cri-o.SandboxID'] ??
    annotations['io.kubernetes.sandbox.id'] ??
    null
  );
}
