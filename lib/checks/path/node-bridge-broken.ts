import { familyOf, sameAddress } from '../../computed/cidr.ts';
import {
  type BrokenBridge,
  brokenBridges,
  gatewaysOf,
  isBehindBridge,
  prefixOf,
} from '../../computed/routes/bridges.ts';
import type { Sources } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { counted, listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** A network manager takes the bridge down, a script cleans up links, or udev renames it. */
export const nodeBridgeBroken = defineCheck({
  id: 'node-bridge-broken',
  topic: 'path',
  severity: 'critical',
  title: "The bridge of the node's pods is there, and up",
  failureTitle: 'Bridge of the pods is down or gone',
  why:
    'The bridge is the only way out for all of its pods: they reach nothing, not even each other, while ' +
    'interfaces, addresses and routes inside them are right. If it was renamed, running pods work, but ' +
    'the next pod gets a second bridge, and then the pods of one of the two are cut off.',
  needs: ['podNetworks', 'hostNetwork', 'cniConfig'],
  run({ podNetworks, hostNetwork, cniConfig }, { node }) {
    const object = nodeObject(node);
    if (!podNetworks.some(isBehindBridge))
      return [notApplicable(object, 'no pod of the node is behind a bridge')];
    const broken = brokenBridges(podNetworks, hostNetwork);
    if (broken.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: broken.map(detailOf).join(' '),
        confidence: 'confirmed',
        ...(broken.every(({ fault }) => fault === 'renamed') ? { severity: 'high' } : {}),
        evidence: broken.map((each) => comparisonOf(each, hostNetwork)),
        remedy: [
          lookOnNode(
            node,
            'look at the bridges, and find out what changed them: a network manager of the node must leave them alone.',
            'ip -d link show type bridge; journalctl -b -u systemd-networkd -u NetworkManager ' +
              '-u systemd-udevd --no-pager | tail -n 20',
          ),
          ...broken.flatMap((each) =>
            linesOf(each, hostNetwork, cniConfig).map(({ text, line }) => repairOnNode(node, text, line)),
          ),
        ],
      }),
    ];
  },
});

function detailOf(broken: BrokenBridge): string {
  const { name, pods } = broken;
  const whose = `of ${counted(pods.length, 'pod')} (${listed(
    pods.map(({ pod }) => namespacedName(pod)),
    5,
  )})`;
  if (broken.fault === 'down') return `The bridge ${quote(name, 20)} ${whose} is down.`;
  if (broken.fault === 'gone')
    return `The bridge ${quote(name, 20)} ${whose} is gone: their links are on no bridge.`;
  return (
    `The bridge ${quote(name, 20)} ${whose} is now called ${quote(broken.now, 20)}: ` +
    'the next pod gets a second bridge with the same addresses.'
  );
}

function comparisonOf(broken: BrokenBridge, { links }: Sources['hostNetwork']): Comparison {
  const { name } = broken;
  const source = 'ip link (node); expected: CNI result cache';
  if (broken.fault === 'down')
    return {
      what: `state of ${name}`,
      expected: 'UP',
      actual: links.find((link) => link.name === name)?.operState ?? 'DOWN',
      source,
    };
  return {
    what: "bridge of the pods' links",
    expected: name,
    actual: broken.fault === 'gone' ? 'none' : broken.now,
    source,
  };
}

type Line = { readonly text: string; readonly line: string };

function linesOf(
  broken: BrokenBridge,
  { addresses: held }: Sources['hostNetwork'],
  cniConfig: Sources['cniConfig'],
): Line[] {
  const { name, pods } = broken;
  const up = command('ip', 'link', 'set', name, 'up');
  // A bridge keeps its IPv4 addresses while it is down; the kernel removes those of IPv6 when it goes down.
  const isHeld = (gateway: string, link: string) =>
    held.some((each) => each.link === link && sameAddress(each.address, gateway));
  if (broken.fault === 'down') {
    const lost = addressLines(broken, (gateway) => !isHeld(gateway, name));
    return [{ text: 'set the bridge up; the pods go on running.', line: [...lost, up].join(' && ') }];
  }
  if (broken.fault === 'renamed') {
    const { now } = broken;
    const lost = addressLines(broken, (gateway) => familyOf(gateway) === 6 || !isHeld(gateway, now));
    return [
      {
        text: 'give the bridge its name back; its pods lose the network for less than a second.',
        line: [
          command('ip', 'link', 'set', now, 'down'),
          command('ip', 'link', 'set', now, 'name', name),
          ...lost,
          up,
        ].join(' && '),
      },
    ];
  }
  const links = command(...pods.flatMap(({ hostLink }) => hostLink?.name ?? []));
  const forEachPort = (...words: string[]) =>
    `for link in ${links}; do ip link set "$link" ${command(...words)}; done`;
  const network = pods[0]?.results[0]?.network;
  const configs = cniConfig.files.filter((file) => file.network === network);
  return [
    {
      text: "create the bridge again with its pods' gateway, as the plugin does; the pods go on running.",
      line: [command('ip', 'link', 'add', name, 'type', 'bridge'), ...addressLines(broken), up].join(' && '),
    },
    { text: "put the pods' links back on it.", line: forEachPort('master', name) },
    ...(configs.some(({ hairpin }) => hairpin === true)
      ? [
          {
            text: 'let pods reach themselves through a Service again.',
            line: forEachPort('type', 'bridge_slave', 'hairpin', 'on'),
          },
        ]
      : []),
    ...(configs.some(({ isolation }) => isolation === true)
      ? [
          {
            text: 'keep the pods apart again, as the CNI configuration has it (portIsolation).',
            line: forEachPort('type', 'bridge_slave', 'isolated', 'on'),
          },
        ]
      : []),
  ];
}

/** Give the bridge the pods' gateways, or some of them. */
function addressLines(
  { name, pods }: BrokenBridge,
  which: (gateway: string) => boolean = () => true,
): string[] {
  return [...gatewaysOf(name, pods)].flatMap(([gateway, [first]]) =>
    which(gateway)
      ? command('ip', 'addr', 'replace', `${gateway}/${prefixOf(first, gateway)}`, 'dev', name)
      : [],
  );
}
