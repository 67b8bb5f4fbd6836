import { familyOf } from '../../computed/cidr.ts';
import { uplinkOf } from '../../computed/uplinks.ts';
import { forwardedLayout, nodeLink } from '../../computed/way-in.ts';
import type { Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { hostEnd, type LostObject, restoreEach } from '../remedies/restore.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 20;

type Setting = {
  readonly name: string;
  readonly why: string;
  /** As the tool puts it back, with a pod that needs it. */
  readonly lost: LostObject;
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
    'The kernel drops whatever pods send beyond the node and what comes for them, although every pod ' +
    'looks healthy and probes from the node itself pass.',
  needs: ['kernel', 'podNetworks', 'hostNetwork'],
  run({ kernel, podNetworks, hostNetwork }, { node }) {
    const object = nodeObject(node);
    const forwarded = podNetworks.flatMap((network) => {
      const layout = forwardedLayout(network);
      return layout === null ? [] : [{ network, layout }];
    });
    if (forwarded.length === 0) {
      return [notApplicable(object, 'no pod on the node is known to need forwarding by the kernel')];
    }
    const global = globalSettings(forwarded);
    const off = global.filter(({ name }) => kernel.sysctls[name] === '0');
    // Turning off the global switch turns off those of all links: one cause, one finding.
    const settings =
      off.length > 0
        ? off
        : linkSettings(forwarded, hostNetwork).filter(({ name }) => kernel.sysctls[name] === '0');
    if (settings.length === 0) {
      const unread = global.find(({ name }) => kernel.sysctls[name] === undefined);
      return [unread === undefined ? pass(object) : unknown(object, `${unread.name} could not be read`)];
    }
    return [
      fail(object, {
        detail: `${listed(
          settings.map(({ name, why }) => `${name} is 0 (${why})`),
          5,
        )}; ${forwarded.length} pods on the node need it.`,
        confidence: 'probable',
        evidence: rowsOf(settings, SHOWN, ({ name }) => ({
          what: name,
          expected: '1',
          actual: '0',
          source: `sysctl ${name} (node)`,
        })),
        remedy: [
          ...firstOf(
            settings,
            SHOWN,
            ({ name }) => repairOnNode(node, 'turn it on again.', command('sysctl', '-w', `${name}=1`)),
            (left) => repair(`Likewise the other ${left}: the next audit names them.`),
          ),
          lookOnNode(
            node,
            'find what turned it off, or it will again at the next boot.',
            'grep -rnE "ip_forward|forwarding|proxy_arp" /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d',
          ),
        ],
        ...restoreEach(settings.slice(0, SHOWN).map(({ lost }) => lost)),
      }),
    ];
  },
});

type Forwarded = { readonly network: PodNetwork; readonly layout: Layout };

function globalSettings(forwarded: readonly Forwarded[]): Setting[] {
  return ([4, 6] as const).flatMap((family) => {
    const needs = forwarded.find(({ network }) => network.pod.podIPs.some((ip) => familyOf(ip) === family));
    if (needs === undefined) return [];
    const name = family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
    return { name, why: `IPv${family} of all links`, lost: [needs.network, { what: 'forwarding', family }] };
  });
}

/**
 * Switches of single links: the pod's own or its bridge's, the uplink's, and Calico's answer for 169.254.1.1.
 * Not every probe reads them.
 */
function linkSettings(forwarded: readonly Forwarded[], host: NetworkStack): Setting[] {
  const uplink = uplinkOf(host);
  const withIPv4 = forwarded.filter(({ network }) => network.pod.podIPs.some((ip) => familyOf(ip) === 4));
  const [first] = withIPv4;
  if (first === undefined) return [];
  const setting = (
    { network }: Forwarded,
    name: string,
    switched: 'forwarding' | 'proxy_arp',
    why: string,
  ): Setting => {
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
    const forwarding = setting(each, link, 'forwarding', `packets of ${link}`);
    if (!each.layout.proxyArp) return [forwarding];
    return [forwarding, setting(each, link, 'proxy_arp', `nobody answers for the gateway on ${link}`)];
  });
  return [...new Map([...ofPods, ...ofUplink].map((found) => [found.name, found])).values()];
}

/** sysctl(8) writes a dot in a link's name, as in eth0.100, as a slash. */
const sysctlName = (link: string): string => link.replaceAll('.', '/');
