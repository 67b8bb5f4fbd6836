/**
 * What runs beside Kubernetes on healthy nodes, as nft and iptables-save list it: files in `beside`, loaded into a real
 * kernel with the tools themselves. Each lets all that pods need pass.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { diagnoseNode } from '../../lib/diagnosis/diagnose-node.ts';
import { parseIptablesSave, parseNftables } from '../../lib/probe/parse/packet-filters.ts';
import { HOST_NAMESPACE, rulesOfKubeProxy } from './evidence.ts';
import { nodeLayouts } from './node-layouts.ts';
import { evidenceOf, makeNode } from './nodes.ts';
import { aRule } from './ways.ts';

const BESIDE = new URL('beside/', import.meta.url);
const files = readdirSync(BESIDE).map((name) => ({
  name,
  text: readFileSync(new URL(name, BESIDE), 'utf8'),
}));
/** Names the bridge of pods. */
const aboutBridge = (text: string) => /\bcni0\b/.test(text);
const plain = {
  kind: 'plain',
  hours: 5,
  restarts: 0,
  controller: 'ReplicaSet',
  dnsPolicy: 'ClusterFirst',
} as const;

function found(file: (typeof files)[number], layout: string): string[] {
  const node = makeNode({
    ...{ layout, families: 0, runtime: 'containerd', reversed: false, rebooted: false },
    ...{ neighbours: [], pods: [plain, plain, plain], others: [] },
  });
  // As the plugin writes it beside its marks.
  const host = node.namespaces.find(({ inode }) => inode === HOST_NAMESPACE)?.stack;
  if (file.name.startsWith('eks') && host?.status === 'present')
    host.value.rules.push(aRule({ priority: 1024, fwmark: '0x80/0x80' }));
  const text =
    node.layout.ipam === 'aws'
      ? file.text.replaceAll('10.244.0.0/16', '10.0.0.0/16').replaceAll('10.244.1.', '10.0.5.')
      : file.text;
  const isNft = file.name.endsWith('.nft');
  const filters = isNft ? parseNftables(text) : [parseIptablesSave(text, 'iptables-legacy')];
  // Whichever backend the others use.
  const ofKubeProxy = { ...rulesOfKubeProxy(), backend: isNft ? 'iptables-nft' : 'iptables-legacy' } as const;
  expect(filters.flatMap(({ tables }) => tables.flatMap(({ chains }) => chains)).length).toBeGreaterThan(0);
  const { failures, tallies } = diagnoseNode(
    evidenceOf({ ...node, hostPacketFilters: [ofKubeProxy, ...filters] }),
    catalogue,
    { settleSeconds: { pod: 300, orphan: 900 } },
  );
  return [
    ...failures.map(({ check, object, detail }) => `${layout}: ${check} ${object.name}: ${detail}`),
    ...tallies.filter(({ unknown }) => unknown > 0).map(({ check }) => `${layout}: ${check} unknown`),
  ];
}

it.each(files)('finds nothing on a healthy node with $name', (file) => {
  const all = Object.entries(nodeLayouts).filter(
    ([, { plugin }]) => !file.name.startsWith(`left-by-${plugin}`),
  );
  const layouts = aboutBridge(file.text) ? ['bridge'] : all.map(([name]) => name);
  expect(layouts.flatMap((layout) => found(file, layout))).toEqual([]);
});

it.each(files.filter(({ name }) => /^(?:docker|ufw|cis|nft-ansible|shorewall)/.test(name)))(
  'finds that $name lets no packets of pods pass once its rules about pods are gone',
  ({ name, text }) => {
    const aboutPods = /10\.244\.0\.0|podnets accept|@pods|cni0|"veth\*" accept/;
    const rest = text
      .split('\n')
      .filter((line) => line.includes(' elements ') || !aboutPods.test(line))
      .join('\n');
    expect(found({ name, text: rest }, 'bridge').join('\n')).toContain(
      'bridge: node-firewall-drops node-1: ',
    );
  },
);
