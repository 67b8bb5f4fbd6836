import { describe, expect, it } from 'vitest';
import type { FilteredPacket } from '../../../lib/computed/firewall/filtered-packet.ts';
import { forwarder, ruleBudget } from '../../../lib/computed/firewall/forwarding.ts';
import { inputRules } from '../../checks/firewall/filters.ts';

const packet: FilteredPacket = {
  ...{ way: 'received', family: 4, state: 'NEW', source: '10.0.3.8', destination: '10.0.3.7' },
  ...{ inputLink: 'eth0', outputLink: null, devices: ['eth0'], inputPort: null, outputPort: null },
  ...{ protocol: 'tcp', port: 80 },
};

describe('what a packet filter does with a packet', () => {
  it('may accept one for a Service by what became of its address, and certainly drops any other', () => {
    const follow = forwarder([
      inputRules('-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT', '-A INPUT -j DROP'),
    ]);
    expect(follow(packet, ruleBudget(), true)).toBe('passes');
    expect(follow(packet, ruleBudget(), false)).toMatchObject({ does: 'drops', by: '-A INPUT -j DROP' });
  });
});
