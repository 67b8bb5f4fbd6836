/**
 * Which namespaces the parts of a pod are in: the runtime's path, the pause process, and each container's
 * init process.
 */

import type { ObservedPod, Pin, Sandbox } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';
import { canonicalPath } from '../../model/path.ts';
import { listed } from '../../model/text.ts';
import { isNamespaceFile } from './ownership.ts';

/** One part of a pod in a network namespace. */
export type Member = {
  readonly what: string;
  readonly inode: number;
  readonly source: string;
  /** Name of the container; null for the path and the pause process. */
  readonly container: string | null;
};

/** Pins that are namespaces, by path; others are left to namespace-pin-invalid. */
export function namespacePins(pins: readonly Pin[]): ReadonlyMap<string, Pin> {
  return new Map(
    pins
      .filter(isNamespaceFile)
      .toReversed()
      .map((pin) => [canonicalPath(pin.path), pin]),
  );
}

/**
 * The parts of a sandbox whose namespace is known. Of a container only the init process counts: its children
 * may create namespaces of their own (browsers, docker in docker).
 */
export function sandboxMembers(sandbox: Sandbox, pins: ReadonlyMap<string, Pin>): Member[] {
  const path = sandbox.namespacePath === null ? null : canonicalPath(sandbox.namespacePath);
  const pin = path === null ? undefined : pins.get(path);
  return [
    ...(pin === undefined
      ? []
      : [
          {
            what: `path ${pin.path}`,
            inode: pin.inode,
            source: `stat -L /proc/1/root${pin.path}`,
            container: null,
          },
        ]),
    ...(sandbox.networkNamespace === null
      ? []
      : [
          {
            what: `pause process ${sandbox.pid}`,
            inode: sandbox.networkNamespace,
            source: `/proc/${sandbox.pid}/ns/net`,
            container: null,
          },
        ]),
    ...sandbox.containers.flatMap(({ name, pid, networkNamespace }) =>
      networkNamespace === null || pid === null
        ? []
        : [
            {
              what: `container ${name}`,
              inode: networkNamespace,
              source: `/proc/${pid}/ns/net`,
              container: name,
            },
          ],
    ),
  ];
}

/**
 * True if all parts are containers that may change their own network (privileged or NET_ADMIN): they may have
 * moved themselves, for example with `unshare -n` or `nsenter`.
 */
export function mayHaveMovedItself(members: readonly Member[], pod: ObservedPod): boolean {
  return members.every(({ container }) =>
    pod.containers.some(({ name, netAdmin }) => name === container && netAdmin),
  );
}

/** `path /run/netns/cni-1 and container main in net:[4026532400]`. */
export function membersInWords(members: readonly Member[]): string {
  return [...Map.groupBy(members, ({ inode }) => inode)]
    .map(([inode, inside]) => `${listed(inside.map(({ what }) => what))} in net:[${inode}]`)
    .join('; ');
}

/** The rows of a finding: each part with its namespace. */
export function compared(
  members: readonly Member[],
  expected: (member: Member) => string | undefined,
): Comparison[] {
  return members.map((member) => {
    const wanted = expected(member);
    return {
      what: `network namespace of ${member.what}`,
      ...(wanted === undefined ? {} : { expected: wanted }),
      actual: `net:[${member.inode}]`,
      source: member.source,
    };
  });
}
