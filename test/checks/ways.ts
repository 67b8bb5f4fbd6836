/** What a healthy node's kernel answers to the probe's questions about its pods' ways. */
import type { PodNetwork } from '../../lib/model/evidence.ts';
import type { NetworkStack, Rule, Way } from '../../lib/model/network.ts';

/** The node's own address and its gateway in test/checks/evidence.ts. */
const NODE = '10.0.3.7';
const ROUTER = '10.0.3.1';
/** First address of another node's pods. */
export const ELSEWHERE = '10.244.2.1';

export function aWay(changes: Partial<Way> = {}): Way {
  return {
    family: 4,
    destination: '8.8.8.8',
    source: null,
    inputLink: null,
    error: null,
    type: 'unicast',
    link: 'eth0',
    gateway: ROUTER,
    table: 'main',
    ...changes,
  };
}

/** The same way, without one. */
export function refused(way: Way, error: string): Way {
  return { ...way, error, type: null, link: null, gateway: null, table: null };
}

/** The ways of one pod, through the node's link that its packets pass. */
export function waysOf({ pod, hostLink }: PodNetwork): Way[] {
  const link = hostLink?.master ?? hostLink?.name ?? null;
  return pod.podIPs.flatMap((address) => {
    const six = address.includes(':');
    const family = six ? 6 : 4;
    const [node, router, public_, elsewhere, other] = six
      ? ['fd00::7', 'fd00::1', '2001:4860:4860::8888', 'fd00:10:244:2::1', 'fd00::8']
      : [NODE, ROUTER, '8.8.8.8', ELSEWHERE, '10.0.3.8'];
    const inward = { family, destination: address, link, gateway: null } as const;
    const outward = { family, source: address, inputLink: link } as const;
    return [
      aWay({ family, destination: elsewhere, gateway: other }),
      aWay(inward),
      aWay({ ...inward, source: node }),
      aWay({ ...inward, source: router, inputLink: 'eth0' }),
      aWay({ ...outward, destination: public_, gateway: router }),
      ...(six ? [] : [aWay({ ...outward, destination: node, type: 'local', link: 'lo', gateway: null })]),
      aWay({ ...outward, destination: elsewhere, gateway: other }),
    ];
  });
}

/** Answers, modified by `change`. */
export function changed(ways: readonly Way[], change: (way: Way) => Partial<Way> | null): Way[] {
  return ways.map((way) => ({ ...way, ...change(way) }));
}

export function aRule(changes: Partial<Rule> = {}): Rule {
  return {
    family: 4,
    priority: 32766,
    source: 'all',
    destination: null,
    inputLink: null,
    outputLink: null,
    detached: false,
    fwmark: null,
    table: 'main',
    drops: null,
    protocol: 'kernel',
    ...changes,
  };
}

/** The rules that every node has, plus more. */
export function withRules(host: NetworkStack, ...rules: Rule[]): NetworkStack {
  const born = [
    aRule({ priority: 0, table: 'local' }),
    aRule(),
    aRule({ priority: 32767, table: 'default' }),
  ];
  return { ...host, rules: [...born, ...rules].toSorted((a, b) => a.priority - b.priority) };
}
