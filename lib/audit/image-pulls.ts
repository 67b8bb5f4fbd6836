/** Where nodes pull the probe's image from, and which limit they may meet there. Pure: no registry is asked. */

/** Pulls without an account in six hours, for an IPv4 address or an IPv6 /64: docs.docker.com/docker-hub/usage/pulls. */
const MOST_ANONYMOUS = 100;

/**
 * @param nodes - how many would pull it, were all of them new
 * @param isCached - nodes of the scheduled audit pull it through a cache of their own
 */
export function describePulls(
  image: string,
  { nodes, pullSecret, isCached = false }: { nodes: number; pullSecret: string | null; isCached?: boolean },
): string {
  if (!isOfDockerHub(image)) return image;
  if (isCached) return `${image}; on AWS nodes pull it through imageCache, here from Docker Hub`;
  if (pullSecret !== null) return `${image}, with the pull secret ${pullSecret}`;
  const pulls = nodes === 1 ? 'the node pulls' : `up to ${nodes} nodes pull`;
  const limit =
    `${image}: ${pulls} it from Docker Hub without an account, which allows ${MOST_ANONYMOUS} pulls in 6 hours ` +
    'per address; nodes behind one NAT gateway share theirs';
  if (nodes <= MOST_ANONYMOUS) return limit;
  return (
    `${limit}. If they are new in one night, some fail with toomanyrequests: copy the image to a registry of ` +
    'yours, use a pull-through cache (docs/operations.md#the-image), or name a pull secret'
  );
}

/** CRI puts docker.io before names without a registry. A registry has a dot or a port in its name, or is localhost. */
function isOfDockerHub(image: string): boolean {
  const [first = '', ...rest] = image.split('/');
  if (['docker.io', 'index.docker.io'].includes(first)) return true;
  return rest.length === 0 || !(/[.:]/.test(first) || first === 'localhost');
}
