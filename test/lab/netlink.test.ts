import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseStack } from '../../lib/probe/parse/ip.ts';
import { parseNetlink, THE_NODE } from '../../lib/probe/parse/netlink.ts';
import type { RawStack } from '../../lib/probe/parse/raw-stack.ts';
import { probePart } from '../../lib/probe/script.ts';
import { OF_ITS_OWN, whyNoLab } from './lab.ts';

const noLab = whyNoLab() ?? (spawnSync('which', ['perl']).status === 0 ? null : 'it needs perl');
if (noLab !== null) console.warn(`Skipped, as ${noLab}.`);

/** One of everything that a pod may have; kinds that a kernel lacks are left out. */
const ODD_NAMESPACE = `
ip link add outside type veth peer name eth0 netns pod
ip link add outside2 mtu 1400 type veth peer name nsid netns pod
cd / && exec nsenter --net=/run/netns/pod sh -c '
ip link set lo up
ip link set eth0 up
ip link add left type veth peer name right
ip link add bridge0 type bridge
ip link set left master bridge0 up
bridge link set dev left locked on
ip link set bridge0 up
ip link set right up
ip link add link eth0 name vlan7 type vlan id 7
ip link add spare type bridge stp_state 1
ip link set spare address 02:00:00:00:00:07 up
ip link add upper link spare type macvlan
ip link add vx type vxlan id 7 dstport 4789 dev eth0 local 10.1.1.2
ip link add vx6 type vxlan id 8 dstport 4790 local fd00::2
ip link add vxall type vxlan external dstport 4791
ip link add tun4 type ipip local 10.1.1.2 remote 10.1.1.9
ip link add gre4 type gre local 10.1.1.2 remote 10.1.1.9
ip link add tun6 type ip6tnl local fd00::2 remote fd00::9
ip link add six4 type sit local 10.1.1.2 remote 10.1.1.9
ip addr add 10.1.1.2/24 brd + dev eth0
ip addr add 10.1.1.3/32 dev eth0 scope link
ip addr add 10.9.9.1 peer 10.9.9.2 dev spare
ip addr add fd00::2/64 dev eth0
ip addr add fd00:0:0:1::2/128 dev spare nodad
ip addr add ::ffff:10.1.1.7/128 dev spare nodad
ip route add default via 10.1.1.1
ip route add default via 10.1.1.9 metric 100
ip route add 10.2.0.0/16 nexthop via 10.1.1.1 weight 1 nexthop via 10.1.1.9 dev eth0 weight 2 onlink
ip route add 10.3.0.0/16 via 10.1.1.1 mtu 1300
ip route add 169.254.1.1 dev eth0 scope link
ip route add blackhole 10.4.0.0/16
ip route add unreachable 10.5.0.0/16 table 77
ip route add prohibit 10.6.0.0/16
ip route add throw 10.7.0.0/16 table 77
ip route add local 10.8.0.0/16 dev lo
ip route add 10.10.0.0/16 via inet6 fd00::1 dev eth0
ip route add 10.11.0.0/16 dev right
ip route add 10.12.0.0/16 dev right proto static
ip route add 10.13.0.0/16 dev right proto 0
ip route add 10.14.0.0/16 dev right proto 77
ip -6 route add default via fd00::1
ip -6 route add default via fe80::1 dev spare metric 2048
ip -6 route add blackhole fd77::/16
ip -6 route add fd78::/16 nexthop via fd00::1 nexthop via fd00::9
ip -6 route add fd79::1 dev eth0 mtu 1280
ip neigh add 169.254.1.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
ip neigh add 10.1.1.4 lladdr 02:00:00:00:00:02 dev eth0 nud stale
ip neigh add 10.1.1.5 dev eth0 nud failed
ip neigh add 10.1.1.6 lladdr 02:00:00:00:00:03 dev eth0 nud noarp
ip neigh add 10.1.1.77 lladdr 02:00:00:00:00:05 dev eth0 nud none
ip neigh add 10.1.1.78 lladdr 02:00:00:00:00:06 dev eth0 nud noarp extern_learn
ip neigh add fd00::1 lladdr 02:00:00:00:00:04 dev eth0 nud reachable
ip neigh add proxy 10.1.1.8 dev eth0
ip rule add from 10.1.1.2 table 77 priority 100
ip rule add to 10.2.0.0/16 lookup 300 priority 101
ip rule add fwmark 0x7 priority 102 table 77
ip rule add fwmark 0x100/0xff00 priority 103 table main protocol static
ip rule add iif nowhere table 77 priority 104
ip rule add oif eth0 table 77 priority 105
ip rule add from 10.1.1.9 prohibit priority 106
ip rule add to 10.3.0.0/16 blackhole priority 107
ip -6 rule add from fd00::9 unreachable priority 108
ip rule add not from 10.68.0.0/16 fwmark 51820 table 77 priority 109
ip rule add table main suppress_prefixlength 0 priority 110
ip rule add table main suppress_prefixlength 16 suppress_ifgroup 7 priority 111
ip -6 rule add not fwmark 51820 table 77 suppress_ifgroup 0 priority 112
ip link set right arp off
ip rule add blackhole from 10.66.0.0/16 priority 106
ip rule add goto 32766 from 10.67.0.1 priority 107
ip -6 rule add from fd00::2 table 77 priority 100
'`;

/**
 * Builds that namespace, and one with more routes than a file of the probe may hold, in a separate node, then
 * asks about both as the probe does, and about the first as `ip` prints it.
 */
const LAB = `mount --make-rprivate / && mount -t tmpfs run /run && mkdir -p /run/netns /run/pins && cd "$1" || exit
for name in pod full; do : >"/run/netns/$name"; unshare --net="/run/netns/$name" true; done
(${ODD_NAMESPACE})
nsenter --net=/run/netns/full ip link set lo up
seq 80000 | awk '{ printf "route add %d.%d.%d.1 dev lo\\n", 10 + NR / 60000, NR / 250 % 240, NR % 250 }' |
  nsenter --net=/run/netns/full ip -batch -
# Addresses of links with a carrier are not settled at first: both are to be asked once they are.
nsenter --net=/run/netns/pod sh -c 'until ip -6 -o addr show dev bridge0 | grep -q fe80 &&
  ! ip -6 -o addr show tentative | grep -qE " (left|right|bridge0) "; do sleep 0.1; done'
pod=$(stat -L -c %i /run/netns/pod) full=$(stat -L -c %i /run/netns/full)
mkdir -p "b/netns/$pod" "b/netns/$full" b/netns/other
mkfifo pipe
printf '%s\\n' "stack 17 netns/other pin - $1/pipe" "stack $full netns/$full pin - /run/netns/full" "stack 17 netns/gone pin - /run/netns/gone" \
  "stack 17 netns/other pin - /run/netns/pod" "stack $pod netns/$pod pin - /run/netns/pod" >stacks
(ulimit -f 4096; job_netlink)
mv "b/netns/$full" full && mv "b/netns/$pod"/* . || exit
printf 'addr show\\nroute show table all\\nneigh show\\nrule show\\nnetns list-id\\n' >batch
# Only the node has a name, as in the probe.
: >/run/pins/pod && mount --move /run/netns/pod /run/pins/pod && rm /run/netns/pod && ln -s /proc/1/ns/net /run/netns/host
ip -n ../pins/pod -j -d -force -batch batch >ip.json
nsenter --net=/run/pins/pod ip -j -d -6 rule show >rule6.json`;

/** Without the settings of links that ip does not print. */
function whatIpPrints<T extends object>(part: T): T {
  if (!('arpIgnore' in part)) return part;
  expect(part.arpIgnore).toEqual(expect.any(Number));
  const { arpIgnore: _, ...rest } = part;
  return rest as T;
}

describe.skipIf(noLab !== null)('what the kernel says of a namespace', () => {
  const directory = mkdtempSync(join(tmpdir(), 'netns-lab-netlink-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  let asked: RawStack;
  let printed: RawStack;
  beforeAll(() => {
    const ran = spawnSync(
      'unshare',
      [...OF_ITS_OWN, 'sh', '-c', `${probePart('netlink.sh')}\n${LAB}`, 'sh', directory],
      {
        encoding: 'utf8',
      },
    );
    expect(ran.status, ran.stderr).toBe(0);
    asked = parseNetlink(readFileSync(join(directory, 'netlink')));
    const read = (name: string) => readFileSync(join(directory, name), 'utf8');
    printed = parseStack(read('ip.json'), read('rule6.json'));
  });

  test('has something of each kind', () => {
    expect(printed.links.length).toBeGreaterThan(8);
    expect(printed.routes.length).toBeGreaterThan(15);
    expect(printed.rules.length).toBeGreaterThan(8);
    expect(printed.neighbours.length).toBeGreaterThan(3);
    const link = (wanted: string) => printed.links.find(({ name }) => name === wanted);
    expect(link('spare')?.stp).toBe(true);
    expect(link('left')?.portFlags?.locked).toBe(true);
    expect(link('vx')).toMatchObject({ vxlanPort: 4789, vxlanId: 7, vxlanLocal: '10.1.1.2' });
    expect(link('vxall')).toMatchObject({ vxlanPort: 4791, vxlanId: null, vxlanLocal: null });
    expect(printed.ids).toEqual([{ id: 0, name: 'host' }]);
    expect(asked.ids).toEqual([{ id: 0, name: THE_NODE }]);
  });

  test.each(['links', 'addresses', 'routes', 'rules', 'neighbours'] as const)(
    'is what ip prints: %s',
    (part) => {
      expect(asked[part].map(whatIpPrints)).toEqual(printed[part]);
    },
  );

  test('has an empty ruleset where there are no tables', () => {
    expect(readFileSync(join(directory, 'nft'), 'utf8')).toBe('');
  });

  test('is left to ip where it is more than the probe may keep, or the path leads elsewhere', () => {
    expect(readdirSync(join(directory, 'full'))).toEqual([]);
    expect(readdirSync(join(directory, 'b/netns/other'))).toEqual([]);
  });
});
