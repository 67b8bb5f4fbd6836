/** What tests break on a random healthy node. */
import { HOST_NAMESPACE, POD_NAMESPACE } from './evidence.ts';
import type { RawNode } from './nodes.ts';

/** An ordinary pod of the node, with all that is known about it. */
export function podAt(node: RawNode, index: number) {
  const inode = POD_NAMESPACE + index;
  const stackOf = (inode: number) => {
    const stack = node.namespaces.find((namespace) => namespace.inode === inode)?.stack;
    if (stack?.status !== 'present') throw new Error(`no stack of ${inode}`);
    return stack.value;
  };
  const own = stackOf(inode);
  const host = stackOf(HOST_NAMESPACE);
  const link = found(own.links.find(({ name }) => name === 'eth0'));
  return {
    inode,
    own,
    host,
    link,
    hostLink: host.links.find(({ peer }) => peer?.status === 'matched' && peer.namespace === inode),
    pod: found(node.pods.find(({ name }) => name === `web-${index}`)),
    sandbox: found(node.sandboxes.find(({ name }) => name === `web-${index}`)),
  };
}

export function found<Item>(item: Item | undefined): Item {
  if (item === undefined) throw new Error('the node is not as it was made');
  return item;
}

export function remove<Item>(items: Item[], unwanted: (item: Item) => boolean): void {
  items.splice(0, Infinity, ...items.filter((item) => !unwanted(item)));
}

export type Parts = ReturnType<typeof podAt>;
export type Mutation = {
  readonly break: (parts: Parts, node: RawNode) => void;
  /** Where the fault can be detected; everywhere by default. */
  readonly on?: (parts: Parts, node: RawNode) => boolean;
};
