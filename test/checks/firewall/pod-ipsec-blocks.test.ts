import { describe, expect, it } from 'vitest';
import { podIpsecBlocks } from '../../../lib/checks/firewall/pod-ipsec-blocks.ts';
import type { IpsecPolicy } from '../../../lib/model/network.ts';
import { aPod, aPodNetwork, aSandbox, aStack, context, failures } from '../evidence.ts';

const aPolicy = (changes: Partial<IpsecPolicy> = {}): IpsecPolicy => ({
  ...{ family: 4, direction: 'out', action: 'block', priority: 0 },
  ...{ source: '0.0.0.0/0', destination: '0.0.0.0/0' },
  ...changes,
});
const run = (ipsecPolicies: IpsecPolicy[] | undefined, changes: Parameters<typeof aPodNetwork>[0] = {}) =>
  podIpsecBlocks.run(
    {
      podNetworks: [
        aPodNetwork({
          stack: aStack(ipsecPolicies === undefined ? {} : { ipsecPolicies }),
          ...changes,
        }),
      ],
    },
    context,
  );

describe('pod-ipsec-blocks', () => {
  it('finds one that drops everything, and removes it', () => {
    const [found] = failures(run([aPolicy()]));
    expect(found?.severity ?? podIpsecBlocks.severity).toBe('critical');
    expect(found?.detail).toBe(
      'The policy of IPsec "src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block priority 0" inside the pod drops packets, whatever packet filters say.',
    );
    expect(found?.remedy.at(-1)?.command).toMatch(
      /^nsenter --net=\/\S+ ip xfrm policy delete src 0\.0\.0\.0\/0 dst 0\.0\.0\.0\/0 dir out$/,
    );
  });

  it('is less severe where it drops a part', () => {
    expect(failures(run([aPolicy({ destination: '10.96.0.0/12' })]))[0]?.severity).toBe('high');
  });

  it.each<[string, IpsecPolicy[] | undefined]>([
    ['has none', undefined],
    ['has one that allows', [aPolicy({ action: 'allow' })]],
    ['has one that an earlier one takes everything from', [aPolicy(), aPolicy({ action: 'allow' })]],
    ['has one for what it forwards, which is nothing', [aPolicy({ direction: 'forward' })]],
    [
      'has one of a family of which it has no address',
      [aPolicy({ family: 6, source: '::/0', destination: '::/0' })],
    ],
  ])('passes a pod that %s', (_, policies) => {
    expect(run(policies)).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge a pod that may write them itself', () => {
    const [container] = aPod().containers;
    const pod = aPod({ containers: container === undefined ? [] : [{ ...container, netAdmin: true }] });
    expect(run([aPolicy()], { pod })).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('recreates the pod where nothing leads to its namespace', () => {
    const [found] = failures(run([aPolicy()], { sandbox: aSandbox({ namespacePath: null }) }));
    expect(found?.remedy.at(-1)?.command).toContain('kubectl delete pod');
  });
});
