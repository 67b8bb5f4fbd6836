/**
 * Runtime specs that cannot be read, as after a crash or on a full disk, told by others: the specs of containers name their
 * sandbox, the CNI's cache knows whom it attached, a cgroup has the uid of its pod,
 * and the API the ids of containers.
 */
import type { z } from 'zod';
import type { CniResult } from '../../model/evidence.ts';
import type { Pod } from '../../model/kubernetes.ts';
import type { ProcessLine } from './processes.ts';
import type { Listed, specLine } from './runtime-spec.ts';

type Spec = z.infer<typeof specLine>;

/**
 * Specs in the place of those that could not be read. One is left out whose container does not run: nothing of it is judged.
 * @throws Error for one that runs, and of which nothing tells whose it is
 */
export function restored(
  unread: readonly Listed[],
  known: {
    readonly specs: readonly Spec[];
    readonly listed: ReadonlyMap<string, Listed>;
    readonly byPid: ReadonlyMap<number, ProcessLine>;
    readonly results: readonly CniResult[];
    readonly pods: readonly Pod[];
  },
): Spec[] {
  const { specs, listed, byPid, results, pods } = known;
  const host = byPid.get(1)?.networkNamespace;
  return unread.flatMap((entry): Spec[] => {
    const result = results.find(({ containerId }) => containerId === entry.id);
    const found = entry.pid === null ? undefined : byPid.get(entry.pid);
    const process = found?.containerId === entry.id ? found : undefined;
    const container = specs.find((spec) => sandboxOf(spec) === entry.id);
    const inside = [process, byPid.get(listed.get(container?.file ?? '')?.pid ?? -1)];
    const attached =
      result !== undefined || inside.some((each) => each !== undefined && each.networkNamespace !== host);
    const spec = {
      file: entry.file,
      namespaces: attached ? [{ type: 'network', path: result?.namespacePath ?? null }] : [],
    };
    if (container !== undefined) {
      const { annotations } = container;
      return [
        {
          ...spec,
          annotations: {
            ...annotations,
            ...type('sandbox'),
            [UID]: uidIn(annotations) ?? process?.podUid ?? '',
          },
        },
      ];
    }
    if (result?.podName != null && result.podNamespace !== null) {
      const annotations = {
        ...type('sandbox'),
        [NAME]: result.podName,
        [NAMESPACE]: result.podNamespace,
        [UID]: result.podUid ?? process?.podUid ?? '',
      };
      return [{ ...spec, annotations }];
    }
    if (process === undefined) return [];
    const pod = pods.find(({ containers }) => containers.some(({ id }) => id === entry.id));
    const owner = specs.filter(isSandbox).find((each) => {
      const { annotations } = each;
      const uid = uidIn(annotations);
      if (uid !== undefined && (uid === process.podUid || uid === pod?.uid)) return true;
      if (pod !== undefined)
        return nameIn(annotations) === pod.name && namespaceIn(annotations) === pod.namespace;
      const pause = byPid.get(listed.get(each.file)?.pid ?? -1);
      return process.networkNamespace !== host && pause?.networkNamespace === process.networkNamespace;
    });
    const sandbox = owner === undefined ? undefined : listed.get(owner.file);
    if (sandbox === undefined) {
      throw new Error(`the runtime spec ${entry.file} could not be read, and nothing tells whose it is`);
    }
    return [{ ...spec, annotations: { ...type('container'), [SANDBOX]: sandbox.id } }];
  });
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
