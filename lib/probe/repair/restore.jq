# Of what is asked to be put back: `right` where it is so already, `found` where it is just as the audit found it and everything says
# what it has to be (`found with hairpin` of a port whose plugin was told hairpinMode), `half` where it is half put back, else why it must not be
# touched. `node` are the links of the node with their addresses, `inside` those of the pod with `nsid`, `routes` the pod's, `way` its way to the gateway or what a
# table of the node has, `more` the node's routes, rules, entries or settings, or the entries of the pod, `results` what its plugins keep of it,
# `claims` a result of another that has the address.
def is_up: .flags | index("UP") != null;
# An address as one number, and the network that it is in.
def number: split(".") | map(tonumber) | ((.[0] * 256 + .[1]) * 256 + .[2]) * 256 + .[3];
def network($bits): number / pow(2; 32 - $bits) | floor;
($asked | split(",")) as [$what, $pin, $inode, $link, $index, $value, $third, $fourth, $fifth]
| [$results[].result | .interfaces[]? | select((.sandbox // "") == "") | .name] as $named
| [$results[].result | (.ips[]?.gateway, .routes[]?.gw, .ip4?.gateway, .ip6?.gateway) | strings] as $gateways
| [$results[].config? | strings | (try (@base64d | fromjson) catch null) | objects | (.plugins // [.])[] | ., .delegate? | objects] as $plugins
| any($plugins[]; .hairpinMode == true) as $hairpin
| any($plugins[]; .portIsolation == true) as $isolation
| ($node[0] | map(select("\(.ifindex)" == $index)) | .[0]) as $host
| (if $what == "bridge-port" then $value else $host.master? end) as $master
| ($node[0] | map(select(.ifname == $master)) | .[0]) as $bridge
| ($inside[0] | map(select(.ifindex == $host.link_index?)) | .[0]) as $inner
| def pair:
if $host == null then "it is gone"
elif $host.ifname != $link then "another link has its number by now"
elif $host.linkinfo.info_kind != "veth" or $host.link_netnsid != $nsid or $inner.link_index != $host.ifindex then "its other end is not in the pod"
else empty end;
def a_bridge($name):
($node[0] | map(select(.ifname == $name)) | .[0]) as $found
| if $found == null then "there is no bridge \($name)"
elif $found.linkinfo.info_kind != "bridge" then "\($name) is no bridge"
elif ($name | IN($named[]) | not) then "what its plugins keep of it does not name \($name)"
else empty end;
def bridged:
if $master == null then "it is on no bridge" else a_bridge($master) end;
def own($address):
if any($inner.addr_info[]?; .local == $address) | not then "its \($inner.ifname) does not have the address \($address)"
elif any($results[].result | (.ips[]?.address, .ip4?.ip, .ip6?.ip) | strings; startswith("\($address)/")) | not
then "what its plugins keep of it does not name the address \($address)"
elif $claims != "" then "the cached result \($claims) has the address \($address) as well"
else empty end;
def loopback:
($inside[0] | map(select(.link_type == "loopback")) | .[0]) as $lo
| ($lo.addr_info // [] | any(.local | startswith("127."))) as $has
| if $lo == null then "it has no loopback"
elif ($lo | is_up) and $has then "right"
elif $link == "up" and ($lo | is_up | not) or $link == "address" and ($lo | is_up) then "found"
elif $lo | is_up then "half"
else "it has changed since it was found" end;
def default_route:
[$routes[][] | select(.dst == "default")] as $same
| ($inside[0] | map(select(.ifname == $link)) | .[0]) as $on
| if any($same[]; .gateway == $index and .dev == $link) then "right"
elif ($same | length) > 0 then "it has another default route by now"
elif any($routes[][]; .dst | IN("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")) then "it has routes of its own in the place of a default route"
elif ($index | IN($gateways[]) | not) then "what its plugins keep of it does not name the gateway \($index)"
elif $on == null then "it has no \($link)"
elif ($on | is_up | not) then "its \($link) is down"
elif $way[0][0].dev? != $link or $way[0][0].gateway? != null then "the gateway \($index) is not on its \($link)"
else "found" end;
def subnet_route:
($index | split("/")) as [$subnet, $bits]
| ($inside[0] | map(select(.ifname == $link)) | .[0]) as $on
| [$routes[][] | select(.dst == $index)] as $same
| if any($same[]; .dev == $link and .gateway == null) then "right"
elif ($same | length) > 0 then "it has another route to \($index) by now"
elif $on == null then "it has no \($link)"
elif ($on | is_up | not) then "its \($link) is down"
elif any($on.addr_info[]; .local == $value and "\(.prefixlen)" == $bits) | not then "its \($link) does not have the address \($value)/\($bits)"
elif any($results[].result.ips[]?.address; . == "\($value)/\($bits)") | not then "what its plugins keep of it does not name the address \($value)/\($bits)"
elif ($value | network($bits | tonumber)) != ($subnet | network($bits | tonumber)) then "the address \($value) is not in \($index)"
else "found" end;
def up:
pair // if $host | is_up then "right" else bridged // "found" end;
def port:
pair // bridged // if $host.master == $master and $host.linkinfo.info_slave_data.hairpin == $hairpin then "right"
elif $host.master == $master and $hairpin then "half"
elif $host.master == $master then "it has changed since it was found"
elif $host.master != null then "it is a port of \($host.master) by now"
elif ($host | is_up | not) then "it is down"
elif ($bridge | is_up | not) then "\($master) is down"
elif any($host.addr_info[]; .scope == "global") then "it has an address of its own"
elif $bridge.linkinfo.info_data.vlan_filtering != 0 then "\($master) tells VLANs apart, and which one it is of is not known"
elif $isolation then "its plugins isolate their ports"
elif $hairpin then "found with hairpin"
else "found" end;
def flag:
pair // bridged // (($value != "isolated") as $wanted
| $host.linkinfo.info_slave_data as $flags
| (if $value == "isolated" then $flags.isolated // false else $flags[$value]? end) as $now
| if $now == null then "the state of \($value) could not be read"
elif $now == $wanted then "right"
elif $value == "hairpin" and ($hairpin | not) then "its plugins were told no hairpinMode"
elif $value == "isolated" and $isolation then "its plugins isolate their ports"
else "found" end);
def is_plain: (.type // "unicast") == "unicast" and .gateway == null;
def host_route:
pair // ([$more[][] | select(.dst == $value)] | sort_by(.metric // 0)) as $same
| if $same[0] | . != null and is_plain and .dev == $link then "right"
else own($value) // if $host | is_up | not then "it is down"
elif $fourth == "none" and ($same | length) > 0 then "it has another route to \($value) by now"
elif $fourth == "none" then "found"
elif ($same | length) == 1 and ($same[0] | is_plain and .dev == $fourth and .prefsrc == null and (.metric // 1024) == 1024 and (.scope // $third) == $third) then "found"
else "it has changed since it was found" end end;
def node_route:
($index | split("/")) as [$subnet, $bits]
| ($node[0] | map(select(.ifname == $link)) | .[0]) as $on
| [$more[][] | select(.dst == $index)] as $same
| if any($same[]; is_plain and .dev == $link) then "right"
elif ($same | length) > 0 then "it has another route to \($index) by now"
else a_bridge($link) // if $on | is_up | not then "\($link) is down"
elif any($on.addr_info[]; .local == $value and "\(.prefixlen)" == $bits) | not then "\($link) does not have the address \($value)/\($bits)"
elif ($value | IN($gateways[]) | not) then "what its plugins keep of it does not name the gateway \($value)"
elif ($value | network($bits | tonumber)) != ($subnet | network($bits | tonumber)) then "the gateway \($value) is not in \($index)"
else "found" end end;
def aws_rule:
pair // ([$more[][] | select(if $third == "main" then .priority == 512 and .dst == $value else .priority == 1536 and .src == $value end)]) as $same
| if any($same[]; .table == $third) then "right"
elif ($same | length) > 0 then "a rule leads to table \($same[0].table) by now"
else own($value) // if $host | is_up | not then "it is down"
elif $third == "main" then "found"
elif any($results[].result.interfaces[]?; .mac == $third) | not then "what its plugins keep of it does not name table \($third)"
elif any($way[][]; .dst == "default") | not then "table \($third) has no default route"
else "found" end end;
def forwarding:
(if $link == "6" then ":" else "." end) as $mark
| if $more[0].now == "1" then "right"
elif $more[0].now != "0" then "\($more[0].now) is no state of it that is known"
elif any($results[].result | (.ips[]?.address, .ip4?.ip, .ip6?.ip) | strings; contains($mark)) | not then "what its plugins keep of it names no address of IPv\($link)"
elif any($more[0].routes[]?; .protocol == "ra") then "the node has its default route from router advertisements, which a kernel that forwards does not take"
else "found" end;
def link_setting:
(if $value == "proxy_arp" then pair
elif $host == null then "it is gone"
elif $host.ifname != $link then "another link has its number by now"
elif ($host.link_netnsid == $nsid and $inner.link_index == $host.ifindex) or ($link | IN($named[])) or any($more[0].routes[]; .dev == $link) then empty
else "it is not its link, and no way out of the node" end)
// if $more[0].now == "1" then "right"
elif $more[0].now != "0" then "\($more[0].now) is no state of it that is known"
elif $more[0].global != "1" then "the node does not forward at all"
else "found" end;
def is_permanent: .state? // [] | any(. == "PERMANENT");
# The repair leaves no such entry: the kernel asks.
def right_entry($entry): if $entry | is_permanent then "somebody has written the right entry" else "right" end;
def node_neighbour:
pair // ($more[0] | map(select(.dst == $third and .dev == $value)) | .[0]) as $entry
| if $value != $link and $value != $host.master then "\($value) is not its bridge by now"
elif $entry == null then "right"
elif $entry.lladdr == $inner.address then right_entry($entry)
elif $entry.lladdr != $fourth and ($entry | is_permanent | not) then "right"
elif $entry.lladdr == $fourth and ($entry | is_permanent) then own($third) // "found"
else "it has changed since it was found" end;
def gateway_neighbour:
pair // ($more[0] | map(select(.dst == $third and .dev == $value)) | .[0]) as $entry
| (if $fifth == "written" then [$host.address] else [$host.address, $bridge.address] end) as $right
| ($entry | is_permanent) as $permanent
| if $inner.ifname != $value then "it has no \($value)"
elif $fifth == "written" and $permanent and $entry.lladdr == $host.address then "right"
elif $fifth == "asked" and $entry != null and ($entry.lladdr | IN($right[])) then right_entry($entry)
elif $fifth == "asked" and ($permanent | not) then "right"
elif $fourth == "none" and $entry != null or $fourth != "none" and ($entry.lladdr != $fourth or ($permanent | not)) then "it has changed since it was found"
elif any($routes[][]; .gateway == $third and .dev == $value) | not then "no route of it leads to the gateway \($third)"
elif $fifth == "written" and (any($plugins[]; .type == "aws-cni") | not) then "its plugins write no such entry"
else "found" end;
def pod_neighbour:
pair // ($more[0] | map(select(.dst == $third and .dev == $value)) | .[0]) as $entry
| [$more[1][] | select(any(.addr_info[]?; .local == $third)) | .address] as $macs
| if $inner.ifname != $value then "it has no \($value)"
elif ($macs | length) == 0 then "the other pod does not have the address \($third) by now"
elif $entry == null then "right"
elif $entry.lladdr | IN($macs[]) then right_entry($entry)
elif $entry | is_permanent | not then "right"
elif $entry.lladdr == $fourth then "found"
else "it has changed since it was found" end;
if $what == "lo" then loopback
elif $what == "default-route" then default_route
elif $what == "subnet-route" then subnet_route
elif $what == "link-up" then up
elif $what == "bridge-port" then port
elif $what == "port-flag" then flag
elif $what == "host-route" then host_route
elif $what == "node-route" then node_route
elif $what == "aws-rule" then aws_rule
elif $what == "forwarding" then forwarding
elif $what == "link-setting" then link_setting
elif $what == "node-neighbour" then node_neighbour
elif $what == "gateway-neighbour" then gateway_neighbour
elif $what == "pod-neighbour" then pod_neighbour
else "it is of no known kind" end
| gsub("[^ -~]"; "")
