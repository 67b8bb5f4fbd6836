/** Processes, threads and descriptors as the probe lists them, and the container of each. */
import type { Sources } from '../../model/evidence.ts';
import { limited } from '../limits.ts';
import { fields, integer } from './lines.ts';

export type ProcessLine = {
  readonly pid: number;
  readonly networkNamespace: number | null;
  readonly pidNamespace: number | null;
  readonly mountNamespace: number | null;
  readonly state: string;
  readonly containerId: string | null;
  /** Uid of the pod whose cgroup it is in, if the cgroup names it. */
  readonly podUid: string | null;
  /** In a container of the kubelet's runtime, not of docker, podman or nerdctl beside it. */
  readonly ofPod: boolean;
  readonly command: string;
};

const optional = (text: string) => (text === '' ? null : integer(text));

/** Lines of `host/processes`. */
export function parseProcesses(text: string): ProcessLine[] {
  return limited('processes', fields(text, 8)).map(
    ([pid = '', network = '', pids = '', mounts = '', state = '', , cgroup = '', command = '']) => ({
      pid: integer(pid),
      networkNamespace: optional(network),
      pidNamespace: optional(pids),
      mountNamespace: optional(mounts),
      state,
      containerId: containerIdOf(cgroup),
      podUid: podUidOf(cgroup),
      ofPod: isOfPod(cgroup),
      command: command.slice(0, 64),
    }),
  );
}

/**
 * The id in a cgroup path: `…/cri-containerd-ID.scope`, `…/crio-ID.scope`, `…/docker-ID.scope` or `…/ID`;
 * innermost first.
 */
export function containerIdOf(cgroup: string): string | null {
  const part = cgroup
    .split('/')
    .reverse()
    .find((name) => /(?:^|[-:])[0-9a-f]{64}(?:\.scope)?$/.test(name));
  if (part === undefined || part.includes('conmon-')) return null;
  return /[0-9a-f]{64}/.exec(part)?.[0] ?? null;
}

/**
 * The uid in `…/kubepods-burstable-podUID.slice/…` or `…/kubepods/podUID/…`; systemd writes `_` for `-`,
 * static pods have a hash.
 */
function podUidOf(cgroup: string): string | null {
  const found =
    /(?:^|[/-])pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?:\/|$)/.exec(
      cgroup,
    );
  return found?.[1]?.replaceAll('_', '-') ?? null;
}

/**
 * With `cgroupsPerQOS: false` the runtime chooses the cgroup, and a sibling of the probe's container is shown
 * without their common part.
 */
function isOfPod(cgroup: string): boolean {
  return (
    podUidOf(cgroup) !== null ||
    /\/k8s\.io\/[0-9a-f]{64}|\/(?:cri-containerd|crio)-[0-9a-f]{64}|^\/\.\.\/[0-9a-f]{64}/.test(cgroup)
  );
}

/** Lines of `host/threads` (pid, task, inode) and `host/descriptors` (pid, descriptor, inode). */
export function parseReferences(text: string): { pid: number; via: number; inode: number }[] {
  return limited('references', fields(text, 3)).map(([pid = '', via = '', inode = '']) => ({
    pid: integer(pid),
    via: integer(via),
    inode: integer(inode),
  }));
}

/** The part that checks may see. */
export function toProcesses(processes: readonly ProcessLine[]): Sources['processes'] {
  return processes.map(({ pid, command, networkNamespace, pidNamespace, containerId, state }) => ({
    pid,
    command,
    networkNamespace,
    pidNamespace,
    containerId,
    stopped: state === 'T',
  }));
}
