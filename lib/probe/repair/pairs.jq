# Of each pair that was asked for (NAME:INDEX a line): name, why it must not go, and the numbers of its ends. `links`, `addresses` and
# `routes` are the node's own: a pair is leaked only where both of its ends are on the node, and nobody uses either.
($links[0] | map({key: "\(.ifindex)", value: .}) | from_entries) as $numbered
| ($links[0] | map({key: .ifname, value: .}) | from_entries) as $named
| $asked | split("\n")[] | select(. != "") | capture("\\A(?<name>[^:]+):(?<index>[0-9]+)\\z") as $wanted
| $numbered[$wanted.index] as $link
| ($named[$link.link? // ""]) as $other
| [$link.ifname?, $other.ifname?] as $pair
| [$wanted.name,
((if $link == null then "it is gone"
elif $link.ifname != $wanted.name then "another link has its number by now"
elif $link.linkinfo.info_kind != "veth" then "it is not a veth"
elif $link.link_netnsid != null or $other == null or $other.linkinfo.info_kind != "veth" or $other.link_netnsid != null or $other.link != $link.ifname
then "its other end is not on the node, so that somebody may have it"
else null end) // ([
($addresses[0][] | select(.ifname | IN($pair[])) | . as $on | .addr_info[]? | select(.scope == "global") | "\($on.ifname) has the address \(.local)"),
($other | select(.master != null) | "its other end \(.ifname) is a port of \(.master)"),
($link | select(.master != null and $named[.master].linkinfo.info_kind != "bridge") | "it is a port of \(.master), which is no bridge"),
($links[0][] | select(.ifname | IN($pair[]) | not) | select(.link_netnsid == null and .link != null) | select(.link | IN($pair[])) | "the device \(.ifname) is on it"),
($routes[][] | select((.dev // .nexthops[]?.dev) | IN($pair[])) | select(.type | IN("local", "broadcast", "multicast", "anycast") | not)
| select(.dst | test("^(fe80:|ff)|^[0-9.]+$|^[0-9a-f:]+$") | not) | "the route to \(.dst) is on it")] | .[0]) // "-"),
"\($link.ifindex?) \($other.ifindex?)"]
| map(gsub("[^ -~]"; "")) | join("\t")
