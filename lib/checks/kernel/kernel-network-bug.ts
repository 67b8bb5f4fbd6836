import { incidents, logged, recent, reportedForADay } from '../../computed/kernel/kernel-log.ts';
import { counted, quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, pass } from '../define.ts';
import { REBOOT, rebootForKernel } from '../remedies/node.ts';

/** How the report of a kernel defect begins. `WARNING:` is not included: it is common, and the kernel continues. */
const DEFECT =
  /\bBUG: (?!workqueue lockup)|kernel BUG at |soft lockup - CPU|refcount_t: (?:underflow|saturated|addition on 0)/;
const SOFT_LOCKUP = /soft lockup - CPU/;
const TRACE = 60;
/** Only the frames closest to the defect count: further out, any system call on a socket would match. */
const NEAR = 8;
const FRAME = /(?:RIP: \w+:|pc : |^|\] |\s)([a-z_][\w.]*)\+0x[0-9a-f]+\/0x[0-9a-f]+/i;
const NETWORK_CODE =
  /^(?:_*)(?:cleanup_net|copy_net_ns|net_|netdev_|netif_|netlink_|rtnl|rtnetlink_|unregister_netdevice|register_netdevice|dev_(?:queue|hard|change|get_by|close|open|gro)|sk_|skb_|sock_(?!write_iter|read_iter|sendmsg|recvmsg|ioctl|alloc)|tcp_|udp_|icmp|ip_|ip6_|ipv4_|ipv6_|inet_|inet6_|fib|dst_|neigh_|arp_|ndisc_|nf_|nft_|ipt_|xt_|veth_|br_|macvlan_|ipvlan_|vxlan_|vlan_|geneve_|tun_|xfrm|ip_vs_|tcf_|qdisc_|cls_)/;
/** Functions that every packet or system call passes: they do not locate the defect. */
const ENTRY_POINTS = /^_*(?:net_rx_action|net_tx_action|netif_receive_skb\w*|napi_poll)$/;

export const kernelNetworkBug = defineCheck({
  id: 'kernel-network-bug',
  topic: 'kernel',
  severity: 'critical',
  title: 'The kernel reports no defect in its network code',
  failureTitle: 'Kernel reports a bug in its network code',
  why:
    'After such a report, locks may stay held and counters may be wrong: namespaces, links and sockets ' +
    'of any pod on the node may hang or be lost until it reboots.',
  needs: ['kernelLog'],
  run({ kernelLog }, { node, now }) {
    const object = nodeObject(node);
    const found = incidents(recent(kernelLog, now), DEFECT, TRACE).flatMap(({ header, following }) => {
      const trace = following.flatMap(({ text }) => {
        // Frames marked ? are leftovers on the stack.
        const name = /\?\s+\S+\+0x/.test(text) ? undefined : FRAME.exec(text)?.[1];
        return name === undefined || /^refcount_warn_saturate$/.test(name) ? [] : [{ name, text }];
      });
      // A CPU that the hypervisor took away may stop anywhere, so only its top frame counts.
      const near = SOFT_LOCKUP.test(header.text)
        ? trace.filter(({ text }) => /RIP:|pc : /.test(text)).slice(0, 1)
        : trace.slice(0, NEAR);
      const frame = near.find(({ name }) => NETWORK_CODE.test(name) && !ENTRY_POINTS.test(name));
      const inNet = /kernel BUG at net\//.test(header.text) ? 'net/' : undefined;
      const where = frame?.name ?? inNet;
      return where === undefined ? [] : [{ header, where: quote(where, 60) }];
    });
    const last = found.at(-1);
    if (last === undefined) return [pass(object)];
    const onlyLockups = found.every(({ header }) => SOFT_LOCKUP.test(header.text));
    return [
      fail(object, {
        detail:
          `${counted(found.length, 'report')} in a day, last at ${last.header.at} in ${last.where}: ` +
          `${quote(last.header.text, 160)}. ${reportedForADay(last.header, 'the node has booted again')}`,
        confidence: onlyLockups ? 'suspected' : 'probable',
        ...(onlyLockups ? { severity: 'high' as const } : {}),
        evidence: rowsOf(found.toReversed(), 5, ({ header, where }) => ({
          what: `defect in ${where}`,
          actual: logged(header),
          source: 'dmesg',
        })),
        remedy: rebootForKernel(node),
        repair: REBOOT,
      }),
    ];
  },
});
