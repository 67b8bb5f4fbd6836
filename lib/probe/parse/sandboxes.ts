/** Pod sandboxes from the runtime's own files: runtime specs of containerd and CRI-O, container configs of dockerd. */
import type * as z from 'zod';
import type { CniResult, ResolvConf, Sandbox } from '../../model/evidence.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { fitting } from '../grammar.ts';
import { limited } from '../limits.ts';
import { addTo, firstBy } from './collect.ts';
import { fields, integer, isoTime, jsonLines, lines } from './lines.ts';
import { realPaths } from './mounts.ts';
import type { ProcessLine } from './processes.ts';
import { type Listed, specLine } from './runtime-spec.ts';
import { restored } from './unread-specs.ts';

/** The files of a bundle about sandboxes, as text. */
export type SandboxFiles = {
  readonly before: string;
  readonly after: string;
  readonly specs: string;
  readonly times: string;
  readonly kept: string;
  readonly shims: string;
  readonly places: string;
};

function parseListing(listing: string): Listed[] {
  return limited('containers', fields(listing, 4)).map(([runtime = '', id = '', pid = '', file = '']) => ({
    runtime,
    id: fitting('id', id),
    pid: pid === '-' || pid === '' ? null : integer(pid),
    file,
  }));
}

/** Pids of the init processes of all containers that the runtime knows; the probe's own must be among them. */
export function listedPids(listing: string): number[] {
  return parseListing(listing).flatMap(({ pid }) => pid ?? []);
}

/**
 * Joins specs, listings, processes and CNI results to sandboxes. Long, as each join needs those before it.
 *
 * @throws Error if the listing is empty: a node that runs the probe has at least one sandbox, so the wrong
 * place was read (docs/traps.md T50)
 */
export function parseSandboxes(
  files: SandboxFiles,
  processes: readonly ProcessLine[],
  results: readonly CniResult[],
  resolvConfs: ReadonlyMap<number, ResolvConf | 'ended'>,
  pods: readonly Pod[],
): Sandbox[] {
  const earlier = parseListing(files.before);
  if (earlier.length === 0)
    throw new Error(
      'no files of a container runtime were found where containerd, CRI-O and docker keep them',
    );
  const after = new Map(parseListing(files.after).map((entry) => [entry.id, entry]));
  const known = new Set(earlier.map(({ id }) => id));
  // A sandbox created meanwhile is not judged, but what it owns is no leak.
  const added = [...after.values()].filter(({ id }) => !known.has(id));
  const before = [...earlier, ...added];
  const times = timesByPath(files.times);
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const listed = new Map(before.map((entry) => [entry.file, entry]));
  const readable = jsonLines(files.specs, specLine).filter(({ error }) => error === undefined);
  const read = new Set(readable.map(({ file }) => file));
  // The spec of a container created meanwhile may be half written; for one that existed throughout, other
  // sources are needed.
  const unread = limited(
    'unreadSpecs',
    earlier.filter((entry) => after.has(entry.id) && !read.has(entry.file)),
  );
  const others = restored(unread, { specs: readable, listed, byPid, results, pods });
  const specs = [...readable, ...others].flatMap((spec) => {
    const entry = listed.get(spec.file);
    return entry === undefined ? [] : [listedSpec(spec, entry, !read.has(spec.file))];
  });
  const realPath = realPaths(files.places);
  const { containersOf, unreadOf } = containersBySandbox(specs, byPid, resolvConfs);
  const shims = new Map(lines(files.shims).map((line) => line.split('\t') as [string, string]));
  const live = specs
    .filter((spec) => ['sandbox', 'podsandbox'].includes(kindOf(spec) ?? ''))
    .map((spec): Sandbox => {
      const later = after.get(spec.id);
      const process = spec.pid === null ? undefined : byPid.get(spec.pid);
      const own = runningIn(spec, byPid);
      const network = spec.namespaces.find(({ type }) => type === 'network');
      const onNode =
        spec.docker === undefined
          ? network === undefined || pick(spec, 'io.kubernetes.cri-o.HostNetwork') === 'true'
          : spec.docker.networkMode === 'host';
      const path = network?.path ?? spec.docker?.path ?? null;
      return {
        id: spec.id,
        namespace: fitting(
          'namespace',
          pick(spec, 'io.kubernetes.cri.sandbox-namespace', 'io.kubernetes.pod.namespace') ?? '',
        ),
        name: fitting('pod', pick(spec, 'io.kubernetes.cri.sandbox-name', 'io.kubernetes.pod.name') ?? ''),
        uid: fitting('uid', pick(spec, 'io.kubernetes.cri.sandbox-uid', 'io.kubernetes.pod.uid') ?? ''),
        attempt: null,
        state: spec.docker?.running === false || spec.runtime === 'crio-stopped' ? 'stopped' : 'ready',
        network: onNode ? 'node' : 'pod',
        namespacePath: onNode || !path ? null : realPath(path),
        pid: spec.pid,
        process:
          spec.pid === null ? 'none' : process === undefined ? 'dead' : own === null ? 'foreign' : 'running',
        networkNamespace: own?.networkNamespace ?? null,
        pidNamespace: own?.pidNamespace ?? null,
        createdAt: times.get(spec.file) ?? null,
        runtimeHandler:
          pick(spec, 'io.kubernetes.cri-o.RuntimeHandler') ??
          handlerOf(shims.get(spec.file.replace(/config\.json$/, 'shim-binary-path'))),
        containers: containersOf.get(spec.id) ?? [],
        unreadSpecs: [...(spec.unread ? [onHost(spec.file)] : []), ...(unreadOf.get(spec.id) ?? [])],
        stable:
          known.has(spec.id) &&
          later !== undefined &&
          later.runtime === spec.runtime &&
          later.pid === (listed.get(spec.file)?.pid ?? null),
      };
    });
  const kept = timesByPath(files.kept);
  return [...withoutLeftovers(live, earlier, kept), ...stoppedSandboxes(kept, live, results, realPath)];
}

type SpecLine = z.infer<typeof specLine>;
/** A spec with its line of the listing. */
type ListedSpec = SpecLine & Listed & { readonly unread: boolean; readonly hasNetwork: boolean };

function listedSpec(spec: SpecLine, entry: Listed, unread: boolean): ListedSpec {
  const running = spec.docker?.running ? (spec.docker.pid ?? null) : null;
  return { ...spec, ...entry, unread, hasNetwork: hasNetwork(spec), pid: entry.pid ?? running };
}

/** The first of these annotations that is set: containerd, CRI-O and dockershim use different names. */
function pick({ annotations }: SpecLine, ...names: string[]): string | undefined {
  return names.map((name) => annotations[name]).find((value) => value !== undefined);
}

function kindOf(spec: SpecLine): string | undefined {
  return pick(
    spec,
    'io.kubernetes.cri.container-type',
    'io.kubernetes.cri-o.ContainerType',
    'io.kubernetes.docker.type',
  );
}

/** Containers, including those with unreadable specs, by the id of their sandbox. */
function containersBySandbox(
  specs: readonly ListedSpec[],
  byPid: ReadonlyMap<number, ProcessLine>,
  resolvConfs: ReadonlyMap<number, ResolvConf | 'ended'>,
) {
  const containersOf = new Map<string, Sandbox['containers']>();
  const unreadOf = new Map<string, string[]>();
  for (const spec of specs.filter((one) => kindOf(one) === 'container')) {
    const owner = pick(
      spec,
      'io.kubernetes.cri.sandbox-id',
      'io.kubernetes.cri-o.SandboxID',
      'io.kubernetes.sandbox.id',
    );
    if (owner === undefined) continue;
    if (spec.unread) addTo(unreadOf, owner, onHost(spec.file));
    const process = runningIn(spec, byPid);
    const conf = spec.pid === null ? undefined : resolvConfs.get(spec.pid);
    // It ended while the node was read, or runc is still creating it: until then it has the node's root.
    const runs = process !== null && conf !== 'ended' && !process.command.startsWith('runc:[');
    const container = {
      id: spec.id,
      name:
        pick(
          spec,
          'io.kubernetes.cri.container-name',
          'io.kubernetes.cri-o.ContainerName',
          'io.kubernetes.container.name',
        ) ?? '',
      pid: runs ? spec.pid : null,
      networkNamespace: process?.networkNamespace ?? null,
      pidNamespace: process?.pidNamespace ?? null,
      resolvConf: runs ? (conf ?? null) : null,
    };
    addTo(containersOf, owner, container);
  }
  return { containersOf, unreadOf };
}

/**
 * A shim that did not end in time stays behind with its bundle when containerd removes the sandbox
 * (docs/traps.md T52): it has no record and no process. It is left out only if records of other sandboxes of
 * the same containerd were found.
 * @param listing - what existed before the records were read: a newer sandbox may have been recorded too late
 * to be seen
 */
function withoutLeftovers(
  live: readonly Sandbox[],
  listing: readonly Listed[],
  kept: ReadonlyMap<string, string>,
): Sandbox[] {
  const records = new Set([...kept.keys()].map(lastPart));
  const tasks = new Map(
    listing.map(({ runtime, id, file }) => [id, runtime === 'containerd' ? bundles(file, id) : null]),
  );
  const recorded = new Set(live.flatMap(({ id }) => (records.has(id) ? (tasks.get(id) ?? []) : [])));
  return live.filter(({ id, process, containers }) => {
    const directory = tasks.get(id) ?? null;
    const forgotten = directory !== null && recorded.has(directory) && !records.has(id);
    return !forgotten || process === 'running' || containers.some(({ pid }) => pid !== null);
  });
}

/** The directory that contains all bundles, given the file of one. */
const bundles = (file: string, id: string) => file.slice(0, file.lastIndexOf(id));
const lastPart = (path: string) => path.replace(/^.*\//, '');

/** Sandboxes without a task that the runtime still keeps, if the CNI's cache says whose they are. */
function stoppedSandboxes(
  kept: ReadonlyMap<string, string>,
  live: readonly Sandbox[],
  results: readonly CniResult[],
  realPath: (path: string) => string,
): Sandbox[] {
  const known = new Set(live.map(({ id }) => id));
  const byContainer = firstBy(results, ({ containerId }) => containerId);
  return [...kept].flatMap(([path, createdAt]): Sandbox[] => {
    const id = lastPart(path);
    const result = byContainer.get(id);
    if (known.has(id) || result === undefined || result.podName === null || result.podNamespace === null)
      return [];
    return [
      {
        id: fitting('id', id),
        namespace: fitting('namespace', result.podNamespace),
        name: fitting('pod', result.podName),
        uid: fitting('uid', result.podUid ?? ''),
        attempt: null,
        state: 'stopped',
        network: 'pod',
        namespacePath: result.namespacePath === null ? null : realPath(result.namespacePath),
        pid: null,
        process: 'none',
        networkNamespace: null,
        pidNamespace: null,
        createdAt,
        runtimeHandler: null,
        containers: [],
        unreadSpecs: [],
        stable: true,
      },
    ];
  });
}

/** The probe reads files through the root of PID 1. */
const onHost = (file: string) => file.replace(/^\/proc\/1\/root/, '');

/** Whether it is in a namespace other than the node's: dockerd says so, and a runtime spec has an entry for it. */
function hasNetwork(spec: SpecLine): boolean {
  return spec.docker === undefined
    ? spec.namespaces.some(({ type }) => type === 'network')
    : spec.docker.networkMode !== 'host';
}

/**
 * The process, unless its pid was evidently reused: it runs in another container's cgroup, or in no
 * container's and in the node's own namespace, where only sandboxes without their own network have processes.
 */
function runningIn(
  { pid, id, hasNetwork }: { readonly pid: number | null; readonly id: string; readonly hasNetwork: boolean },
  byPid: ReadonlyMap<number, ProcessLine>,
): ProcessLine | null {
  const process = pid === null ? undefined : byPid.get(pid);
  if (process === undefined) return null;
  if (process.containerId !== null) return process.containerId === id ? process : null;
  return hasNetwork && process.networkNamespace === byPid.get(1)?.networkNamespace ? null : process;
}

/** Maximum length of a file name in bytes. */
const NAME_MAX = 255;

/** `containerd-shim-runc-v2` is runc, `containerd-shim-runsc-v1` is runsc. */
function handlerOf(shim: string | undefined): string | null {
  return /containerd-shim-(.+)-v\d+$/.exec(lastPart(shim ?? '').slice(0, NAME_MAX))?.[1] ?? null;
}

/** Lines `SECONDS [INODE] PATH`. */
function timesByPath(listing: string): Map<string, string> {
  return new Map(
    lines(listing).flatMap((line) => {
      const found = /^(\d{1,12}) (?:\d+ )?(\/.+)$/.exec(line);
      return found?.[1] !== undefined && found[2] !== undefined
        ? [[found[2], isoTime(Number(found[1]))] as const]
        : [];
    }),
  );
}
