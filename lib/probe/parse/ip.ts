/** Parses what `ip -j -d` prints: links with their addresses, routes, neighbours, rules, ids of namespaces. */
import * as z from 'zod';
import { type Address, DROPPING, NEXT_HOP, type Route, type Rule } from '../../model/network.ts';
import { nameSchema } from '../grammar.ts';
import { atMost } from '../limits.ts';
import { lines } from './lines.ts';
import { portFlags, toQueue, toVxlan, toXdp } from './link-values.ts';
import type { RawLink, RawStack } from './raw-stack.ts';
import { each } from './schemas.ts';

const text = z.string().max(300);
const link = nameSchema('link');
const address = nameSchema('address');
/** The kernel has fewer flags and states than this. */
const words = () => each(text, 64).default([]);
/** Netlink stores the length of an attribute in 16 bits, and a next hop takes 16 bytes. */
const MOST_HOPS = 4096;

const addressJson = z.object({
  family: text,
  local: address.optional(),
  prefixlen: z.number().int().default(0),
  scope: text.default('global'),
  tentative: z.boolean().default(false),
  dadfailed: z.boolean().default(false),
});
const linkJson = z.object({
  ifindex: z.number().int(),
  ifname: link,
  flags: words(),
  mtu: z.number().int().default(0),
  operstate: text.default('UNKNOWN'),
  link_type: text.optional(),
  address: address.optional(),
  master: link.optional(),
  /** Name of the peer or lower link, if it is in the same namespace. */
  link: link.nullish(),
  link_index: z.number().int().optional(),
  link_netnsid: z.unknown().optional(),
  xdp: z.object({ mode: z.number().int(), prog: z.object({ name: text.optional() }).optional() }).optional(),
  qdisc: text.optional(),
  // A device name on its bus, such as 0000:00:05.0 on PCI: not the name of a link, and not used in commands.
  parentdev: text.optional(),
  linkinfo: z
    .object({
      info_kind: text.optional(),
      info_data: z
        .object({
          port: z.number().int().optional(),
          id: z.number().int().optional(),
          external: z.boolean().optional(),
          local: address.optional(),
          local6: address.optional(),
          stp_state: z.number().int().optional(),
        })
        .catch({})
        .optional(),
      info_slave_data: z
        .object({
          state: text.optional(),
          hairpin: z.boolean().optional(),
          learning: z.boolean().optional(),
          isolated: z.boolean().optional(),
          bcast_flood: z.boolean().optional(),
          locked: z.boolean().optional(),
        })
        .catch({})
        .optional(),
    })
    .optional(),
  addr_info: each(addressJson).default([]),
});
const routeJson = z.object({
  type: text.default('unicast'),
  dst: address,
  gateway: address.optional(),
  via: z.object({ host: address }).optional(),
  prefsrc: address.optional(),
  dev: link.optional(),
  nexthops: each(
    z.object({
      gateway: address.optional(),
      via: z.object({ host: address }).optional(),
      dev: link.optional(),
      flags: words(),
    }),
    MOST_HOPS,
  ).optional(),
  table: z.union([text, z.number()]).default('main'),
  protocol: z.union([text, z.number()]).default('boot'),
  scope: z.union([text, z.number()]).optional(),
  metric: z.number().int().optional(),
  metrics: each(z.object({ mtu: z.number().int().optional() }), 64)
    .catch([])
    .default([]),
  flags: words(),
  pref: text.optional(),
});
const ruleJson = z.object({
  priority: z.number().int(),
  src: address.default('all'),
  srclen: z.number().int().optional(),
  dst: address.optional(),
  dstlen: z.number().int().optional(),
  iif: link.optional(),
  iif_detached: z.unknown().optional(),
  oif: link.optional(),
  oif_detached: z.unknown().optional(),
  fwmark: text.optional(),
  fwmask: text.optional(),
  table: z.union([text, z.number()]).optional(),
  action: text.default(''),
  protocol: z.union([text, z.number()]).optional(),
  not: z.unknown().optional(),
  suppress_prefixlen: z.number().int().optional(),
  suppress_ifgroup: text.optional(),
});
const neighbourJson = z.object({
  dst: address,
  dev: link.default(''),
  lladdr: address.optional(),
  state: words(),
});
const idJson = z.object({ nsid: z.number().int(), name: text.optional() });

/** Created once: creating schemas takes longer than reading a small namespace, of which there may be thousands. */
const listed = {
  links: each(linkJson),
  routes: each(routeJson),
  neighbours: each(neighbourJson),
  rules: each(ruleJson),
  ids: each(idJson),
  any: z.array(z.unknown()),
};

/** @param batch - the output of the probe's batch: addr, route, neigh, rule, netns list-id, one array per line */
export function parseStack(batch: string, rules6: string): RawStack {
  const outputs = lines(batch);
  if (outputs.length !== 5) throw new Error(`ip answered ${outputs.length} of 5 questions`);
  const [links, routes, neighbours, rules4, ids] = outputs.map((line) => objects(JSON.parse(line)));
  const other = objects(JSON.parse(rules6.trim() || '[]'));
  // Checked before any object is parsed, as parsing takes longest.
  atMost(
    'stackObjects',
    [links, routes, neighbours, rules4, ids, other, ...(links ?? []).map(addressesIn)].reduce<number>(
      (sum, all) => sum + (all?.length ?? 0),
      0,
    ),
  );
  const parsedLinks = listed.links.parse(links);
  return {
    links: parsedLinks.map(toLink),
    addresses: parsedLinks.flatMap(toAddresses),
    routes: listed.routes.parse(routes).flatMap(toRoutes),
    neighbours: listed.neighbours.parse(neighbours).map(({ dst, dev, lladdr, state }) => ({
      destination: dst,
      link: dev,
      mac: lladdr ?? null,
      states: state,
    })),
    rules: [
      ...listed.rules.parse(rules4).map((rule) => toRule(rule, 4)),
      ...listed.rules.parse(other).map((rule) => toRule(rule, 6)),
    ],
    ids: listed.ids.parse(ids).map(({ nsid, name }) => ({ id: nsid, name: name ?? null })),
  };
}

function addressesIn(link: unknown): readonly unknown[] {
  const all = typeof link === 'object' && link !== null && 'addr_info' in link ? link.addr_info : [];
  return Array.isArray(all) ? all : [];
}

/** iproute2 prints `{}` for objects that its filter excluded. */
function objects(value: unknown): unknown[] {
  return listed.any
    .parse(value)
    .filter((item) => typeof item !== 'object' || item === null || Object.keys(item).length > 0);
}

function toLink(link: z.infer<typeof linkJson>): RawLink {
  const kind = link.linkinfo?.info_kind ?? null;
  const data = link.linkinfo?.info_data ?? {};
  const paired = kind === 'veth' || kind === 'netkit';
  const same = typeof link.link === 'string';
  return {
    index: link.ifindex,
    name: link.ifname,
    kind,
    mac: link.address ?? null,
    mtu: link.mtu,
    up: link.flags.includes('UP'),
    carrier: link.flags.includes('LOWER_UP'),
    operState: link.operstate,
    arp: !link.flags.includes('NOARP'),
    loopback: link.flags.includes('LOOPBACK'),
    master: link.master ?? null,
    portState: link.linkinfo?.info_slave_data?.state ?? null,
    portFlags: portFlags(link.linkinfo?.info_slave_data),
    xdp: link.xdp === undefined ? null : toXdp(link.xdp.mode, link.xdp.prog?.name ?? null),
    stp: kind === 'bridge' && data.stp_state !== undefined ? data.stp_state !== 0 : null,
    ...toVxlan(kind === 'vxlan' ? data : {}),
    queue: toQueue(link.qdisc ?? null),
    parentDevice: link.parentdev ?? null,
    peerIndex: paired ? (link.link_index ?? null) : null,
    peerNamespaceId: same ? 'same' : typeof link.link_netnsid === 'number' ? link.link_netnsid : null,
    peerName: paired && same ? (link.link ?? null) : null,
  };
}

function toAddresses(link: z.infer<typeof linkJson>): Address[] {
  return link.addr_info.flatMap(({ family, local, prefixlen, scope, tentative, dadfailed }) =>
    local === undefined || (family !== 'inet' && family !== 'inet6')
      ? []
      : [
          {
            link: link.ifname,
            family: family === 'inet' ? (4 as const) : (6 as const),
            address: local,
            prefixLength: prefixlen,
            scope,
            tentative,
            dadFailed: dadfailed,
          },
        ],
  );
}

/** A route with several next hops becomes one route for each. */
function toRoutes(route: z.infer<typeof routeJson>): Route[] {
  const hops = route.nexthops ?? [
    { gateway: route.gateway, via: route.via, dev: route.dev, flags: [] as string[] },
  ];
  const family = isV6(route) ? 6 : 4;
  return hops.map((hop) => ({
    family,
    type: route.type,
    destination: prefix(route.dst, family),
    gateway: hop.gateway ?? hop.via?.host ?? null,
    link: hop.dev ?? route.dev ?? null,
    table: String(route.table),
    protocol: String(route.protocol),
    scope: route.scope === undefined ? null : String(route.scope),
    metric: route.metric ?? null,
    from: route.prefsrc ?? null,
    mtu: route.metrics.find(({ mtu }) => mtu !== undefined)?.mtu ?? null,
    flags: [...new Set([...route.flags, ...hop.flags, ...(hops.length > 1 ? [NEXT_HOP] : [])])],
  }));
}

/** `default` does not show its family: only IPv6 routes have `pref`, and metric or gateway decide the rest. */
function isV6(route: z.infer<typeof routeJson>): boolean {
  const shown = route.dst === 'default' ? [route.gateway, route.nexthops?.[0]?.gateway] : [route.dst];
  return shown.some((address) => address?.includes(':') === true) || route.pref !== undefined;
}

function prefix(destination: string, family: 4 | 6): string {
  if (destination === 'default') return family === 4 ? '0.0.0.0/0' : '::/0';
  return destination.includes('/') ? destination : `${destination}/${family === 4 ? 32 : 128}`;
}

function toRule(rule: z.infer<typeof ruleJson>, family: 4 | 6): Rule {
  const address = (text: string, length: number | undefined) =>
    text === 'all' || text.includes('/')
      ? text
      : prefix(length === undefined ? text : `${text}/${length}`, family);
  return {
    family,
    priority: rule.priority,
    source: address(rule.src, rule.srclen),
    destination: rule.dst === undefined ? null : address(rule.dst, rule.dstlen),
    inputLink: rule.iif ?? null,
    outputLink: rule.oif ?? null,
    detached: 'iif_detached' in rule || 'oif_detached' in rule,
    fwmark: rule.fwmark === undefined ? null : rule.fwmask ? `${rule.fwmark}/${rule.fwmask}` : rule.fwmark,
    table: rule.table === undefined ? null : String(rule.table),
    drops: DROPPING.includes(rule.action) ? rule.action : null,
    protocol: rule.protocol === undefined ? null : String(rule.protocol),
    not: 'not' in rule,
    suppressedLength: rule.suppress_prefixlen ?? null,
    suppressedGroup: rule.suppress_ifgroup ?? null,
  };
}
