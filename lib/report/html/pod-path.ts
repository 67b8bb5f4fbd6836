/** The path of a pod's packets to its node and back, with the names in the finding, and where it is broken. */
import { BRIDGE_IN_TEXT, hostLinkNameIn } from '../../model/cni-names.ts';

import type { Finding } from '../../model/finding.ts';
import { xmlText as text } from '../escape.ts';

/** Stations, with the links between them at odd positions. */
const places = [
  'namespace',
  'out',
  'interface',
  'pair',
  'hostSide',
  'attachment',
  'bridge',
  'uplink',
  'node',
] as const;
type Place = (typeof places)[number];

/** Which packets are lost: those from the pod, those to it, or both. */
type Way = 'both' | 'from' | 'to';
/** Way is null where it depends on the finding: other packets may pass. */
type Break = { readonly at: Place | null; readonly way: Way | null };

/** Where the checks of a topic find a fault; checks that know which packets are lost are listed below. */
const ofTopic: Partial<Record<Finding['topic'], Break>> = {
  interfaces: { at: 'interface', way: null },
  veth: { at: 'pair', way: null },
  addresses: { at: 'interface', way: null },
  routes: { at: 'bridge', way: null },
  isolation: { at: 'namespace', way: null },
  runtime: { at: 'namespace', way: null },
  aws: { at: 'bridge', way: null },
  firewall: { at: 'namespace', way: null },
  path: { at: 'node', way: null },
  connectivity: { at: null, way: null },
};

/** Null where nothing on the way to the node is wrong. */
const ofCheck: Readonly<Record<string, Break | null>> = {
  'pod-loopback-down': null,
  'pod-interface-missing': { at: 'interface', way: 'both' },
  'pod-interface-down': { at: 'interface', way: 'both' },
  'pod-address-missing': { at: 'interface', way: 'both' },
  'veth-peer-missing': { at: 'pair', way: 'both' },
  'pod-ipsec-blocks': { at: 'namespace', way: 'both' },
  'pod-firewall-blocks-all': { at: 'namespace', way: 'both' },
  'pod-unrouted-outbound': { at: 'node', way: 'from' },
  'pod-unrouted-inbound': { at: 'node', way: 'to' },
  'host-interface-in-pod': { at: 'namespace', way: 'both' },
  'veth-host-side-down': { at: 'hostSide', way: 'both' },
  'veth-bridge-detached': { at: 'attachment', way: 'both' },
  'pod-default-route-missing': { at: 'out', way: 'from' },
  'pod-gateway-route-missing': { at: 'out', way: 'from' },
  'pod-gateway-neighbour-wrong': { at: 'out', way: 'from' },
  'pod-neighbour-wrong': { at: 'out', way: null },
  'pod-ttl-too-small': { at: 'out', way: 'from' },
  'pod-route-blackhole': { at: 'out', way: 'from' },
  'host-route-missing': { at: 'uplink', way: 'to' },
  'host-route-misdirected': { at: 'uplink', way: 'to' },
  'node-neighbour-wrong': { at: 'uplink', way: 'to' },
  'node-bridge-broken': { at: 'bridge', way: null },
  'pod-mac-duplicate': { at: 'bridge', way: 'to' },
  'gateway-link-broken': { at: 'uplink', way: 'to' },
  'link-program-missing': { at: 'hostSide', way: null },
  'node-link-program-missing': { at: 'node', way: 'to' },
  'node-forwarding-disabled': { at: 'node', way: 'both' },
  'node-firewall-drops': { at: 'node', way: 'both' },
  'node-mtu-too-small': { at: 'node', way: 'both' },
  'service-rules-detached': { at: 'node', way: 'from' },
  'service-rules-stale': { at: 'node', way: null },
};

const kinds: Record<Place, string> = {
  namespace: 'pod',
  out: 'the way out of the pod',
  interface: 'its interface',
  pair: 'the veth pair',
  hostSide: 'host side',
  attachment: 'the link from the host side to the bridge',
  bridge: 'bridge or route',
  uplink: "the node's route to the pod",
  node: 'node',
};

/** The words after "broken at". */
const said: Record<Place, string> = {
  ...kinds,
  namespace: "the pod's network namespace",
  interface: "the pod's interface",
  hostSide: "the host side of the pod's veth pair",
  bridge: 'the bridge or route',
  node: 'the node',
};

const lost: Record<Way, string> = {
  both: 'No packet passes in either direction',
  from: 'Packets from the pod are lost',
  to: 'Packets to the pod are lost',
};

/** Empty if the finding is not about a pod's path. */
export function podPath(finding: Finding): string {
  if (finding.object.kind !== 'pod') return '';
  const found = Object.hasOwn(ofCheck, finding.check) ? ofCheck[finding.check] : ofTopic[finding.topic];
  if (found == null) return '';
  const names = namesIn(finding);
  const caption =
    found.at === null
      ? 'The path is broken somewhere on the way.'
      : `${found.way === null ? 'The fault is' : 'The path is broken'} at ${said[found.at]}` +
        `${names[found.at] === undefined ? '' : ` (${names[found.at]})`}.` +
        `${found.way === null ? '' : ` ${lost[found.way]}.`}`;
  const parts = places.map((place, index) =>
    index % 2 === 0 ? station(place, names[place], found) : link(index, found),
  );
  return `<figure class="path"><figcaption>${text(caption, 600)}</figcaption><div role="img" aria-label="${text(
    `The pod's packets pass ${places
      .filter((_, index) => index % 2 === 0)
      .map((place) => `${kinds[place]}${names[place] === undefined ? '' : ` ${names[place]}`}`)
      .join(', ')}. ${caption}`,
    1500,
  )}">${parts.join('')}</div>${legend(found)}</figure>
`;
}

function station(place: Place, name: string | undefined, found: Break): string {
  const broken = found.at === place;
  return (
    `<span class="station${broken ? ' cut' : ''}"><small>${kinds[place]}</small>` +
    `<b>${text(shortName(name ?? ''), 300)}</b>` +
    `${broken ? `<i>${found.way === null ? '✕ here' : '✕ broken'}</i>` : ''}</span>`
  );
}

/** Both directions: packets reach the break from either side, and an arrow is dotted where none arrive. */
function link(index: number, { at, way }: Break): string {
  if (at === null) return '<span class="link"><span>?</span></span>';
  const broken = places.indexOf(at);
  const arrow = (direction: Way, sign: string, dotted: string, arrives: boolean): string => {
    const lost = way === 'both' || way === direction;
    if (lost && index === broken) return '<span class="cut">✕</span>';
    return lost && !arrives ? `<span>${dotted}</span>` : `<span>${sign}</span>`;
  };
  return (
    `<span class="link${index === broken ? ' cut' : ''}">${arrow('from', '→', '⇢', index < broken)}` +
    `${arrow('to', '←', '⇠', index > broken)}</span>`
  );
}

/** What the arrows mean, in the drawing's own signs. */
function legend({ at, way }: Break): string {
  if (at === null) return '';
  const dotted =
    way === null
      ? ''
      : way === 'both'
        ? ' · <b>⇢</b> <b>⇠</b>'
        : way === 'from'
          ? ' · <b>⇢</b>'
          : ' · <b>⇠</b>';
  return (
    '<p class="muted" aria-hidden="true"><b>→</b> packets from the pod · <b>←</b> packets to the pod' +
    `${dotted === '' ? '' : `${dotted} none arrive here`}</p>`
  );
}

/** Any name that a plugin or a person may give a pair. */
const VETH = /\bveth[0-9A-Za-z]{1,11}\b/;
const INTERFACE = /\b(?:eth|net|ens)\d{1,3}\b/;

function namesIn({ object, detail, evidence }: Finding): Partial<Record<Place, string>> {
  const texts = [
    detail.slice(0, 2000),
    ...evidence.flatMap(({ what, expected = '', actual, source }) => [what, expected, actual, source]),
  ].map((each) => each.slice(0, 2000));
  const find = (nameIn: (text: string) => string | undefined): string | undefined => {
    for (const each of texts) {
      const name = nameIn(each);
      if (name !== undefined) return name;
    }
    return undefined;
  };
  const first = (pattern: RegExp): string | undefined => find((each) => pattern.exec(each)?.[0]);
  const named = {
    namespace: object.name,
    interface: first(INTERFACE),
    hostSide: find((each) => hostLinkNameIn(each) ?? VETH.exec(each)?.[0]),
    bridge: first(BRIDGE_IN_TEXT),
    node: object.node,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

/** A node without its cloud domain: a station is narrow. */
function shortName(name: string): string {
  return /^ip-[\d-]+\./.test(name) ? (name.split('.')[0] ?? name) : name;
}
