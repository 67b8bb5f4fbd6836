/** Paths of a node, in one spelling. */

/** Runtimes write `/var/run`, which is `/run` on every node we know, and `//` where a directory ends in `/`. */
export function canonicalPath(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/^\/var\/run\//, '/run/');
}
