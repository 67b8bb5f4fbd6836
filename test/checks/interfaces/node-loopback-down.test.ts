import { describe, expect, it } from 'vitest';
import { nodeLoopbackDown } from '../../../lib/checks/interfaces/node-loopback-down.ts';
import type { Address, Link } from '../../../lib/model/network.ts';
import { aHostStack, aLink, anAddress, context, failures } from '../evidence.ts';

const lo = (up: boolean): Link => aLink({ index: 1, name: 'lo', kind: null, loopback: true, up, peer: null });
const own = anAddress({ link: 'lo', address: '127.0.0.1', prefixLength: 8, scope: 'host' });

const run = (links: Link[], addresses: Address[]) =>
  nodeLoopbackDown.run({ hostNetwork: { ...aHostStack(), links, addresses } }, context);

describe('node-loopback-down', () => {
  it('passes a node whose loopback works', () => {
    expect(run([lo(true)], [own])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds one that is down, and sets it up', () => {
    const [found] = failures(run([lo(false)], [own]));
    expect(found).toMatchObject({
      object: { kind: 'node' },
      detail: 'The loopback interface lo of the node is down.',
    });
    expect(found?.remedy[0]?.command).toBe('ip link set lo up');
  });

  it('finds one without its address, and gives it back', () => {
    const other = anAddress({ link: 'lo', address: '10.96.0.10', prefixLength: 32 });
    const [found] = failures(run([lo(true)], [other]));
    expect(found?.detail).toBe('The loopback interface lo of the node has no address in 127.0.0.0/8.');
    expect(found?.remedy[0]?.command).toBe('ip addr add 127.0.0.1/8 dev lo');
  });

  it('looks for that address on the loopback alone, among others that it has', () => {
    const addresses = [anAddress({ link: 'eth0', address: '127.0.0.1', prefixLength: 8 })];
    expect(failures(run([lo(true)], addresses))).toHaveLength(1);
    addresses.push(anAddress({ link: 'lo', address: '10.96.0.10', prefixLength: 32 }));
    expect(failures(run([lo(true)], addresses))).toHaveLength(1);
    addresses.push(anAddress({ link: 'lo', address: '127.0.0.1', prefixLength: 8 }));
    expect(run([lo(true)], addresses)[0]?.result).toBe('pass');
  });

  it('does not judge a node whose links have no loopback', () => {
    expect(run([], [])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
