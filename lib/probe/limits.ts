/**
 * How many objects of each kind a node may have: far more than real nodes have, so that tens of thousands of
 * leaks can be audited, but few enough that a hostile node costs only seconds (docs/threats.md). If there are
 * more, that part is unknown.
 */
export const LIMITS = {
  /** Lines of any file. */
  lines: 200_000,
  pins: 65_536,
  namespaces: 65_536,
  mounts: 131_072,
  processes: 131_072,
  /** Threads and descriptors that refer to other namespaces. */
  references: 131_072,
  /** Containers of the runtime, including sandboxes. */
  containers: 20_000,
  /** Containers whose runtime spec cannot be read. */
  unreadSpecs: 500,
  cniResults: 65_536,
  cniConfigs: 1_000,
  /** Networks of host-local; the lines of a file limit their addresses. */
  ipamNetworks: 10_000,
  kernelMessages: 20_000,
  /** Links, addresses, routes, rules and neighbours of one namespace together. */
  stackObjects: 40_000,
  /** The same, for all namespaces of a node. */
  nodeObjects: 500_000,
} as const;

const WORDS: Readonly<Record<keyof typeof LIMITS, string>> = {
  lines: 'lines',
  pins: 'pins',
  namespaces: 'namespaces',
  mounts: 'mounts',
  processes: 'processes',
  references: 'threads or descriptors in other namespaces',
  containers: 'containers',
  unreadSpecs: 'runtime specs that cannot be read',
  cniResults: 'CNI results',
  cniConfigs: 'CNI configurations',
  ipamNetworks: 'IPAM networks',
  kernelMessages: 'kernel messages',
  stackObjects: 'links, addresses, routes, rules and neighbours of one namespace',
  nodeObjects: 'links, addresses, routes, rules and neighbours of all namespaces',
};

/** @throws Error that names what there is too much of */
export function atMost(kind: keyof typeof LIMITS, count: number): void {
  if (count > LIMITS[kind]) throw new Error(`too many ${WORDS[kind]}: ${count}, at most ${LIMITS[kind]}`);
}

/**
 * Returns the same list.
 * @throws Error that names what there is too much of
 */
export function limited<Item>(kind: keyof typeof LIMITS, items: Item[]): Item[] {
  atMost(kind, items.length);
  return items;
}
