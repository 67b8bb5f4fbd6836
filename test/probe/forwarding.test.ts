import { describe, expect, it } from 'vitest';
import { parseForwarding } from '../../lib/probe/parse/forwarding.ts';
import { attribute, done, little, message } from './netlink-messages.ts';

const MAC = [2, 0, 0, 0, 1, 0xbe];
const BRIDGE = 7;
const REACHABLE = 2;
const NOARP = 0x40;
const PERMANENT = 0x80;
/** NTF_STICKY, among the flags after the state. */
const STICKY = 0x40 << 16;

/** struct ndmsg, then NDA_LLADDR and any other attributes. */
const entry = (link: number, state: number, ...attributes: number[][]) =>
  message(1, 28, [
    ...little(BRIDGE, 4),
    ...little(link, 4),
    ...little(state, 4),
    ...attribute(2, MAC),
    ...attributes.flat(),
  ]);
const parse = (...all: number[][]) => parseForwarding(new Uint8Array(all.flat()), (index) => `link${index}`);

describe('forwarding entries', () => {
  it('are read with their port and bridge, or with the node that a tunnel sends to', () => {
    expect(
      parse(
        entry(4, REACHABLE, attribute(9, little(3, 4))),
        entry(5, NOARP, attribute(9, little(3, 4))),
        entry(6, NOARP + STICKY, attribute(9, little(3, 4))),
        entry(9, PERMANENT, attribute(1, [10, 0, 3, 8])),
        done(1),
      ),
    ).toEqual([
      { mac: '02:00:00:00:01:be', link: 'link4', bridge: 'link3', destination: null, fixed: false },
      { mac: '02:00:00:00:01:be', link: 'link5', bridge: 'link3', destination: null, fixed: false },
      { mac: '02:00:00:00:01:be', link: 'link6', bridge: 'link3', destination: null, fixed: true },
      { mac: '02:00:00:00:01:be', link: 'link9', bridge: null, destination: '10.0.3.8', fixed: true },
    ]);
  });

  it('are not known when the answer was cut', () => {
    expect(() => parse(entry(4, REACHABLE))).toThrow('not whole');
    expect(() => parse()).toThrow('not whole');
  });
});
