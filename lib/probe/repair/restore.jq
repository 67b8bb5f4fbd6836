# Of what is asked to be put back: `right` where it is so already, `found` where it is just as the audit found it and everything says
# what it has to be (`found with hairpin` of a port whose plugin was told hairpinMode), else why it must not be touched. `node` are the links of the node with their addresses, `inside` those of the pod with `nsid`, `routes` the pod's, `way` its way to
# the gateway, `results` what its plugins keep of it.
def is_up: .flags | index("UP") != null;
# An address as one number, and the network that it is in.
def number: split(".") | map(tonumber) | ((.[0] * 256 + .[1]) * 256 + .[2]) * 256 + .[3];
def network($bits): number / pow(2; 32 - $bits) | floor;
($asked | split(",")) as [$what, $pin, $inode, $link, $index, $value]
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
def bridged:
if $master == null then "it is on no bridge"
elif $bridge == null then "there is no bridge \($master)"
elif $bridge.linkinfo.info_kind != "bridge" then "\($master) is no bridge"
elif ($master | IN($named[]) | not) then "what its plugins keep of it does not name \($master)"
else empty end;
def loopback:
($inside[0] | map(select(.link_type == "loopback")) | .[0]) as $lo
| ($lo.addr_info // [] | any(.local | startswith("127."))) as $has
| if $lo == null then "it has no loopback"
elif ($lo | is_up) and $has then "right"
elif $link == "up" and ($lo | is_up | not) or $link == "address" and ($lo | is_up) then "found"
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
if $what == "lo" then loopback
elif $what == "default-route" then default_route
elif $what == "subnet-route" then subnet_route
elif $what == "link-up" then up
elif $what == "bridge-port" then port
elif $what == "port-flag" then flag
else "it is of no known kind" end
| gsub("[^ -~]"; "")
