import { describe, expect, it } from 'vitest';
import { nodeIpsecDropsPod } from '../../../lib/checks/firewall/node-ipsec-drops-pod.ts';
import type { IpsecPolicy } from '../../../lib/model/network.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';

const aPolicy = (changes: Partial<IpsecPolicy> = {}): IpsecPolicy => ({
  family: 4,
  direction: 'forward',
  action: 'block',
  priority: 7,
  source: '0.0.0.0/0',
  destination: '10.244.1.2/32',
  ...changes,
});
const run = (...ipsecPolicies: IpsecPolicy[]) =>
  nodeIpsecDropsPod.run({ podNetworks: [aPodNetwork()], ipsecPolicies }, context);

describe('node-ipsec-drops-pod', () => {
  it("names the policy that drops what is for the pod's address, and removes it", () => {
    const [found] = failures(run(aPolicy()));
    expect(found?.detail).toContain('"src 0.0.0.0/0 dst 10.244.1.2/32 dir fwd action block priority 7"');
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip xfrm policy',
      'ip xfrm policy delete src 0.0.0.0/0 dst 10.244.1.2/32 dir fwd',
    ]);
  });

  it('finds one for the subnet, in either direction', () => {
    const subnet = aPolicy({ direction: 'out', source: '10.244.1.0/24', destination: '0.0.0.0/0' });
    expect(failures(run(subnet))).toHaveLength(1);
    expect(failures(run(subnet))[0]?.severity ?? nodeIpsecDropsPod.severity).toBe('critical');
  });

  it('is high for one that is only about pods of other nodes', () => {
    const [found] = failures(run(aPolicy({ source: '10.244.7.0/24' })));
    expect(found?.severity).toBe('high');
  });

  it.each<[string, IpsecPolicy[]]>([
    ['a policy that encrypts', [aPolicy({ action: 'allow' })]],
    ['one for another address', [aPolicy({ destination: '10.244.1.9/32' })]],
    ['one for a remote site', [aPolicy({ source: '10.244.0.0/16', destination: '192.168.7.0/24' })]],
    ['one of the other family', [aPolicy({ family: 6, source: '::/0', destination: '::/0' })]],
    [
      'one that comes after another which lets all of it pass',
      [aPolicy({ priority: 9 }), aPolicy({ action: 'allow', priority: 1, destination: '10.244.0.0/16' })],
    ],
  ])('passes %s', (_, policies) => {
    expect(run(...policies)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds one although another lets a part of it pass, or is asked later', () => {
    const wide = aPolicy({ destination: '10.244.0.0/16' });
    expect(
      failures(run(wide, aPolicy({ action: 'allow', priority: 1, destination: '10.244.7.0/24' }))),
    ).toHaveLength(1);
    expect(
      failures(run(wide, aPolicy({ action: 'allow', priority: 8, destination: '10.0.0.0/8' }))),
    ).toHaveLength(1);
  });
});
