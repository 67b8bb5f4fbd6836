/** A node of the AWS VPC CNI with a second ENI, as the CNI's agent sets it up. */
import type { NetworkStack, Rule } from '../../../lib/model/network.ts';
import { aCniResult, aLink, anAddress, aRoute } from '../evidence.ts';
import { type Attached, anAwsPod } from '../layouts.ts';
import { aRule, withRules } from '../ways.ts';

export const POD = '10.0.3.99';
export const toPod = (address = POD): Rule => aRule({ priority: 512, destination: `${address}/32` });
export const fromPod = (address = POD, table = '2'): Rule =>
  aRule({ priority: 1536, source: `${address}/32`, table });

/** The pod is on the ENI of that table, according to the plugin's result. */
export function aPodOfEni(table: number | null = 2): Attached & { rules: Rule[] } {
  const { network, host } = anAwsPod();
  const interfaces = [
    { name: 'eni0a1b2c3d4e5', mac: null, inPod: false },
    { name: 'eth0', mac: table === null ? null : String(table), inPod: true },
  ];
  return {
    network: { ...network, results: [aCniResult({ plugins: ['aws-cni'], interfaces })] },
    host: {
      ...host,
      links: [...host.links, aLink({ index: 20, name: 'eth1', kind: null, peer: null })],
      addresses: [...host.addresses, anAddress({ link: 'eth1', address: '10.0.3.50' })],
      routes: [
        ...host.routes,
        aRoute({ gateway: '10.0.3.1', link: 'eth1', table: '2' }),
        aRoute({ destination: '10.0.3.1/32', gateway: null, link: 'eth1', table: '2' }),
      ],
    },
    rules: [
      toPod(),
      ...(table === 2 ? [fromPod()] : []),
      aRule({ priority: 1024, fwmark: '0x80/0x80' }),
      aRule({ priority: 32765, source: '10.0.3.50/32', table: '2' }),
    ],
  };
}

export const ruled = (host: NetworkStack, rules: readonly Rule[]): NetworkStack => withRules(host, ...rules);
