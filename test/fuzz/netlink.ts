/** A namespace as netlink(7) messages, generated from `ip` output: recordings have only the latter. */
import type { Address, Route } from '../../lib/model/network.ts';
import { parseStack } from '../../lib/probe/parse/ip.ts';
import type { RawLink, RawStack } from '../../lib/probe/parse/raw-stack.ts';
import { attribute, done, little, message, name } from '../probe/netlink-messages.ts';

/** The answers to the probe's questions; null if `ip` printed nothing of this form. */
export function netlinkOf(printed: Uint8Array): Uint8Array | null {
  try {
    return answersOf(parseStack(new TextDecoder().decode(printed), ''));
  } catch {
    return null;
  }
}

function answersOf({ links, addresses, routes }: RawStack): Uint8Array {
  const index = new Map(links.map((link) => [link.name, link.index]));
  return Uint8Array.from([
    ...links.flatMap(linkMessage),
    ...done(1),
    ...addresses.filter(({ address }) => !address.includes(':')).flatMap((each) => ofAddress(each, index)),
    ...done(2),
    ...routes.filter(({ family }) => family === 4).flatMap((route) => ofRoute(route, index)),
    ...done(3),
    ...[4, 5, 6, 7, 8].flatMap(done),
  ]);
}

function linkMessage(link: RawLink): number[] {
  const flags =
    Number(link.up) + 8 * Number(link.loopback) + 0x80 * Number(!link.arp) + 0x10000 * Number(link.carrier);
  const peer = link.peerIndex === null ? [] : attribute(5, little(link.peerIndex, 4));
  const id = typeof link.peerNamespaceId === 'number' ? attribute(37, little(link.peerNamespaceId, 4)) : [];
  const mac = (link.mac ?? '').split(':').map((byte) => Number.parseInt(byte, 16) || 0);
  return message(1, 16, [
    ...[0, 0, ...little(link.loopback ? 772 : 1, 2)],
    ...little(link.index, 4),
    ...little(flags, 4),
    ...little(0, 4),
    ...attribute(3, name(link.name)),
    ...attribute(1, mac),
    ...attribute(4, little(link.mtu, 4)),
    ...attribute(16, [link.operState === 'UP' ? 6 : 0]),
    ...peer,
    ...id,
    ...(link.kind === null ? [] : attribute(18, attribute(1, name(link.kind)))),
  ]);
}

function ofAddress({ address, prefixLength, link }: Address, index: ReadonlyMap<string, number>): number[] {
  const head = [2, prefixLength, 0, 0, ...little(index.get(link) ?? 0, 4)];
  return message(2, 20, [...head, ...attribute(1, bytesOf(address)), ...attribute(2, bytesOf(address))]);
}

function ofRoute(route: Route, index: ReadonlyMap<string, number>): number[] {
  const [address = '', length = '0'] = route.destination.split('/');
  const table = route.table === 'local' ? 255 : 254;
  const head = [
    2,
    Number(length),
    0,
    0,
    table,
    route.protocol === 'boot' ? 3 : 2,
    route.scope === 'link' ? 253 : 0,
    1,
    ...little(0, 4),
  ];
  return message(3, 24, [
    ...head,
    ...(length === '0' ? [] : attribute(1, bytesOf(address))),
    ...(route.gateway === null ? [] : attribute(5, bytesOf(route.gateway))),
    ...attribute(4, little(index.get(route.link ?? '') ?? 0, 4)),
  ]);
}

const bytesOf = (address: string): number[] => address.split('.').map(Number);
