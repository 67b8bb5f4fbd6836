import { describe, expect, it } from 'vitest';
import { awsRuleLeaked } from '../../../lib/checks/aws/aws-rule-leaked.ts';
import type { Ipam } from '../../../lib/model/evidence.ts';
import type { Rule } from '../../../lib/model/network.ts';
import { aCniResult, aNamespace, anAddress, aPod, aStack, context, failures } from '../evidence.ts';
import { aRule } from '../ways.ts';
import { aPodOfEni, fromPod, POD, ruled, toPod } from './node.ts';

const LEAKED = '10.0.3.77';
const checkpoint = (...addresses: string[]): Ipam => ({
  kind: 'aws',
  network: 'aws-cni',
  path: '/run/aws-node/ipam.json',
  capacity: null,
  allocations: addresses.map((address) => ({
    address,
    containerId: 'abc',
    interface: 'eth0',
    modifiedAt: null,
    pod: 'shop/web-1',
  })),
  corrupt: [],
});

function run(extra: readonly Rule[], sources: Partial<Parameters<typeof awsRuleLeaked.run>[0]> = {}) {
  const { host, rules } = aPodOfEni();
  return awsRuleLeaked.run(
    {
      hostNetwork: ruled(host, [...rules, ...extra]),
      ipam: [checkpoint(POD)],
      pods: [],
      namespaces: [],
      cniResults: [],
      ...sources,
    },
    context,
  );
}

describe('aws-rule-leaked', () => {
  it('passes a node whose rules all have their pods', () => {
    expect(run([])).toMatchObject([{ result: 'pass' }]);
  });

  it('passes rules of an address that was assigned or freed meanwhile: its pod comes or goes', () => {
    const ipam = [{ ...checkpoint(POD), changing: [LEAKED] }];
    expect(run([toPod(LEAKED), fromPod(LEAKED)], { ipam })).toMatchObject([{ result: 'pass' }]);
  });

  it('finds rules of an address that nobody has, and removes them', () => {
    const [found] = failures(run([toPod(LEAKED), fromPod(LEAKED)]));
    expect(found?.detail).toBe(
      '1 address that no pod, namespace or allocation has still has routing rules: 10.0.3.77.',
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip -4 rule del priority 512 from all to 10.0.3.77/32 lookup main',
      'ip -4 rule del priority 1536 from 10.0.3.77/32 lookup 2',
    ]);
    expect(found?.repair).toEqual({
      kind: 'delete-routes',
      objects: [
        { what: 'stale-rule', address: LEAKED, table: null },
        { what: 'stale-rule', address: LEAKED, table: 2 },
      ],
    });
  });

  it.each([
    ['a pod in the API', { pods: [aPod({ podIPs: [LEAKED] })] }],
    [
      'a namespace',
      {
        namespaces: [
          aNamespace({
            stack: { status: 'present', value: aStack({ addresses: [anAddress({ address: LEAKED })] }) },
          }),
        ],
      },
    ],
    [
      'a CNI result',
      {
        cniResults: [
          aCniResult({ addresses: [{ address: LEAKED, prefixLength: 32, gateway: null, interface: 1 }] }),
        ],
      },
    ],
    ['an allocation', { ipam: [checkpoint(POD, LEAKED)] }],
  ])('passes what %s has', (_, sources) => {
    expect(run([toPod(LEAKED)], sources)).toMatchObject([{ result: 'pass' }]);
  });

  it("lets rules of others be that have one of the plugin's priorities", () => {
    const others = [
      aRule({ priority: 512, destination: '10.9.0.0/16' }),
      aRule({ priority: 512, destination: `${LEAKED}/32`, table: '77' }),
      aRule({ priority: 1536, source: `${LEAKED}/32`, destination: '10.0.0.0/8', table: '2' }),
    ];
    expect(run(others)).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable without a checkpoint that can be read', () => {
    expect(run([toPod(LEAKED)], { ipam: [] })).toMatchObject([{ result: 'notApplicable' }]);
    const corrupt = {
      ...checkpoint(),
      corrupt: [{ path: '/run/aws-node/ipam.json', reason: 'it is empty' }],
    };
    expect(run([toPod(LEAKED)], { ipam: [corrupt] })).toMatchObject([{ result: 'notApplicable' }]);
  });
});
