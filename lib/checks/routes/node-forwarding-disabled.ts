import { leavesUnanswered } from '../../computed/addresses/arp.ts';
import { contains, familyOf, sameAddress } from '../../computed/cidr.ts';
import { forwardsForCilium } from '../../computed/firewall/kernel-forwarding.ts';
import { sysctlNumber } from '../../computed/kernel/sysctls.ts';
import { layoutOf } from '../../computed/layouts.ts';
import { type StrictUplink, strictUplink } from '../../computed/path/reverse-path.ts';
import { forwardedLayout, nodeLink } from '../../computed/path/way-in.ts';
import { mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { expectedGateway } from '../../computed/routes/gateway.ts';
import { uplinkOf } from '../../computed/routes/uplinks.ts';
import { CILIUM_CNI, type Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { counted, firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { hostEnd, type LostObject, restoreEach } from '../remedies/restore.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 20;

type Switch = {
  readonly name: string;
  readonly why: string;
  /** As the tool puts it back, with a pod that needs it. */
  readonly lost: LostObject;
  /** The pods' link on the node; undefined for what concerns all pods. */
  readonly link?: string;
};

/** What is set on the node, and how to change it. */
type Fault = Pick<Switch, 'name' | 'why' | 'link'> & {
  readonly actual: string;
  readonly expected: string;
  readonly source: string;
  readonly repair: { readonly text: string; readonly command: string };
  readonly lost?: LostObject;
};

/**
 * A sysctl tool or hardening script ran after the node joined; kubelet and plugin enable forwarding only when
 * they start.
 */
export const nodeForwardingDisabled = defineCheck({
  id: 'node-forwarding-disabled',
  topic: 'routes',
  severity: 'critical',
  title: 'The node forwards packets of its pods',
  failureTitle: "Node does not forward its pods' packets",
  why:
    'The kernel drops everything that pods send beyond their node, and everything that comes for them ' +
    'from elsewhere, while every pod looks healthy and probes from the node pass.',
  needs: ['kernel', 'podNetworks', 'hostNetwork', 'hostPacketFilters'],
  run({ kernel, podNetworks, hostNetwork, hostPacketFilters }, { node }) {
    const object = nodeObject(node);
    const forwarded = podNetworks.flatMap((network) => {
      const layout = forwardedLayout(network);
      return layout === null ? [] : [{ network, layout }];
    });
    // Only what leaves the node, and the answers to it.
    const past = forwardsForCilium(hostPacketFilters) ? podNetworks.flatMap(ofCilium) : [];
    const needing = [...forwarded, ...past];
    if (needing.length === 0) {
      return [notApplicable(object, 'no pod on the node is known to need forwarding by the kernel')];
    }
    const global = globalSwitches(needing);
    const off = global.filter(({ name }) => kernel.sysctls[name] === '0');
    // Turning off the global switch turns off those of all links: one cause, one finding.
    const switches =
      off.length > 0
        ? off
        : linkSwitches(needing, hostNetwork).filter(
            // Of these two the kernel takes the one that is on.
            ({ name }) =>
              kernel.sysctls[name] === '0' &&
              !(name.endsWith('.proxy_arp') && kernel.sysctls['net.ipv4.conf.all.proxy_arp'] === '1'),
          );
    const strict = strictUplink(podNetworks, hostNetwork, kernel);
    const settings = [
      ...switches.map(switchedOff),
      ...unanswered(forwarded, hostNetwork, kernel),
      ...(strict === null ? [] : [strictlyFiltered(strict)]),
    ];
    if (settings.length === 0) {
      const unread = global.find(({ name }) => kernel.sysctls[name] === undefined);
      return [unread === undefined ? pass(object) : unknown(object, `${unread.name} could not be read`)];
    }
    const links = new Set(settings.map(({ link }) => link));
    const ofStrict = new Set(strict?.pods);
    const concerned = links.has(undefined)
      ? needing
      : needing.filter(
          ({ network, layout }) => ofStrict.has(network) || links.has(nodeLink(network, layout) ?? undefined),
        );
    return [
      fail(object, {
        detail: `${listed(
          settings.map(({ name, actual, why }) => `${name} is ${actual} (${why})`),
          5,
        )}; ${counted(concerned.length, 'pod')} on the node ${concerned.length === 1 ? 'needs' : 'need'} it.`,
        confidence: 'probable',
        // The next pods of another ENI need it.
        ...(concerned.length === 0 ? { severity: 'high' as const } : {}),
        evidence: rowsOf(settings, SHOWN, ({ name, expected, actual, source }) => ({
          what: name,
          expected,
          actual,
          source: `${source} (node)`,
        })),
        remedy: [
          ...firstOf(
            settings,
            SHOWN,
            (each) => repairOnNode(node, each.repair.text, each.repair.command),
            (left) => repair(`Likewise the other ${left}: the next audit names them.`),
          ),
          lookOnNode(
            node,
            'find out what changed it, or that will happen again at the next boot.',
            'grep -rnE "ip_forward|forwarding|proxy_arp|arp_ignore|rp_filter" /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d',
          ),
        ],
        ...restoreEach(settings.slice(0, SHOWN).flatMap(({ lost }) => (lost === undefined ? [] : [lost]))),
      }),
    ];
  },
});

function strictlyFiltered({ uplink, own }: StrictUplink): Fault {
  const name = `net.ipv4.conf.${sysctlName(uplink)}.rp_filter`;
  return {
    name,
    why: `what comes in by ${uplink} for pods of other ENIs is dropped`,
    // No pod's link: of pods, only those count that have the fault.
    link: uplink,
    actual: own === 0 ? '0, and that of all links 1' : String(own),
    expected: '2',
    source: `sysctl ${name}`,
    repair: {
      text: 'make it loose, as the AWS VPC CNI does when it starts.',
      command: command('sysctl', '-w', `${name}=2`),
    },
  };
}

function switchedOff(off: Switch): Fault {
  const { name } = off;
  const repair = { text: 'turn it on again.', command: command('sysctl', '-w', `${name}=1`) };
  return { ...off, actual: '0', expected: '1', source: `sysctl ${name}`, repair };
}

/** Of IPv4 alone, as the rules of IPv6 may differ. */
function ofCilium(network: PodNetwork): Forwarded[] {
  const layout = layoutOf(network);
  if (network.plugin !== CILIUM_CNI || typeof layout === 'string') return [];
  return networkElsewhere(network) === null ? [{ network, layout }] : [];
}

type Forwarded = { readonly network: PodNetwork; readonly layout: Layout };

function globalSwitches(forwarded: readonly Forwarded[]): Switch[] {
  return ([4, 6] as const).flatMap((family) => {
    const needs = forwarded.find(
      ({ network, layout }) =>
        (layout.forwarding || family === 4) && network.pod.podIPs.some((ip) => familyOf(ip) === family),
    );
    if (needs === undefined) return [];
    const name = family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
    return { name, why: `IPv${family} of all links`, lost: [needs.network, { what: 'forwarding', family }] };
  });
}

/**
 * Switches of single links: the pod's own or its bridge's, the uplink's, and Calico's answer for 169.254.1.1.
 * Not every probe reads them.
 */
function linkSwitches(forwarded: readonly Forwarded[], host: NetworkStack): Switch[] {
  const uplink = uplinkOf(host);
  const withIPv4 = forwarded.filter(({ network }) => network.pod.podIPs.some((ip) => familyOf(ip) === 4));
  const [first] = withIPv4;
  if (first === undefined) return [];
  const setting = (
    { network }: Forwarded,
    name: string,
    switched: 'forwarding' | 'proxy_arp',
    why: string,
  ): Switch => {
    const link = hostEnd(host.links.find((each) => each.name === name) ?? null);
    return {
      name: `net.ipv4.conf.${sysctlName(name)}.${switched}`,
      why,
      lost: [network, { what: 'link-setting', link, setting: switched }],
    };
  };
  // The link on which a packet arrives decides (systemd#468).
  const ofUplink =
    uplink === null ? [] : [setting(first, uplink, 'forwarding', `what comes in by ${uplink} for pods`)];
  const ofPods = withIPv4.flatMap((each) => {
    const link = nodeLink(each.network, each.layout);
    if (link === null) return [];
    const forwarding = { ...setting(each, link, 'forwarding', `packets of ${link}`), link };
    if (!each.layout.proxyArp) return [forwarding];
    const proxy = setting(each, link, 'proxy_arp', `nobody answers for the gateway on ${link}`);
    return [forwarding, { ...proxy, link }];
  });
  return [...new Map([...ofPods, ...ofUplink].map((found) => [found.name, found])).values()];
}

/** Why nobody answers pods that ask for the MAC address of their gateway on the node, nor finds theirs. */
function unanswered(
  forwarded: readonly Forwarded[],
  host: NetworkStack,
  kernel: Pick<Sources['kernel'], 'sysctls'>,
): Fault[] {
  const found = forwarded.flatMap(({ network, layout }): Fault[] => {
    const link = host.links.find(({ name }) => name === nodeLink(network, layout));
    const [own] = mainAddresses(network).filter(({ family }) => family === 4);
    if (link === undefined || own === undefined) return [];
    const gateway = expectedGateway(network, layout, 4);
    const held = host.addresses.find(
      (each) => each.link === link.name && gateway !== null && sameAddress(each.address, gateway),
    );
    // The gateway behind a bridge may be a router that is not the node.
    if (layout.gatewayMac === 'bridge' && held === undefined) return [];
    // Even where the pod need not ask, the node then sends to its own MAC address what is for the pod.
    if (!link.arp)
      return [
        {
          link: link.name,
          name: `ARP on ${link.name}`,
          why: 'neither pods nor the node find the MAC address of the other',
          actual: 'off',
          expected: 'on',
          source: 'ip link',
          repair: {
            text: 'turn it on again.',
            command: command('ip', 'link', 'set', link.name, 'arp', 'on'),
          },
        },
      ];
    // Where the node answers for an address that it does not have (proxy_arp), arp_ignore does not count.
    if (held === undefined || layout.gatewayNeighbour === 'permanent') return [];
    const names = ['all', sysctlName(link.name)].map((part) => `net.ipv4.conf.${part}.arp_ignore`);
    const values = names.map((name) => sysctlNumber(kernel, name) ?? 0);
    const most = Math.max(...values);
    const sameSubnet = contains(`${held.address}/${held.prefixLength}`, own.address);
    if (!leavesUnanswered(most, { sameSubnet })) return [];
    // The greater of both counts.
    return names.flatMap((name, at) =>
      values[at] !== most
        ? []
        : {
            name,
            why: `nobody answers for the gateway on ${link.name}`,
            ...(at === 0 ? {} : { link: link.name }),
            actual: String(most),
            expected: '0 or 1',
            source: `sysctl ${name}`,
            repair: {
              text: 'let the node answer again.',
              command: command('sysctl', '-w', `${name}=0`),
            },
          },
    );
  });
  return [...new Map(found.map((fault) => [fault.name, fault])).values()];
}

/** sysctl(8) writes a dot in a link's name, as in eth0.100, as a slash. */
const sysctlName = (link: string): string => link.replaceAll('.', '/');
