/** Paths on a node, in one notation. */

/** Runtimes write `/var/run`, which is `/run` on every known node, and `//` after a directory that ends in `/`. */
export function canonicalPath(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/^\/var\/run\//, '/run/');
}
