/** Pins, and the sandboxes that need them. */

import type { NetworkNamespace, Pin, Sandbox } from '../../model/evidence.ts';
import type { AuditedObject } from '../../model/finding.ts';
import { canonicalPath } from '../../model/path.ts';

/** Ready sandboxes of pods with their own network, by the path where each is pinned. */
export function readySandboxesByPath(sandboxes: readonly Sandbox[]): Map<string, Sandbox> {
  return new Map(
    sandboxes.flatMap((sandbox) =>
      sandbox.state === 'ready' &&
      // A sandbox that came or went during the audit does not need its pin yet, or any more.
      sandbox.stable &&
      sandbox.network === 'pod' &&
      sandbox.namespacePath !== null
        ? [[canonicalPath(sandbox.namespacePath), sandbox] as const]
        : [],
    ),
  );
}

/** A pin as the object of a finding: the pod whose ready sandbox needs it, else the file. */
export function pinObject(path: string, sandbox: Sandbox | undefined, node: string): AuditedObject {
  return sandbox === undefined
    ? { kind: 'file', name: path, node }
    : { kind: 'pod', namespace: sandbox.namespace, name: sandbox.name, node };
}

/** Inodes that PID 1 has mounted at each path, whatever a lookup of the path finds. */
export function mountsByPath(
  namespaces: readonly NetworkNamespace[],
): (path: string, pin: Pick<Pin, 'mounted'> | undefined) => number[] {
  const listed = new Map<string, Set<number>>();
  for (const { inode, pins } of namespaces) {
    for (const pin of pins) {
      const path = canonicalPath(pin);
      const known = listed.get(path);
      if (known === undefined) listed.set(path, new Set([inode]));
      else known.add(inode);
    }
  }
  return (path, pin) => [...new Set([...(pin?.mounted ?? []), ...(listed.get(canonicalPath(path)) ?? [])])];
}
