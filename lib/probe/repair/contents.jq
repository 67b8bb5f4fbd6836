# Of each namespace of a chunk: name, why it must not go, its links that have an end on the node, and its addresses. On stdin an
# object for each; `node` are the node's own links, which
# know its namespace as `nsid`: indexes are of a namespace each. Its devices go with it, so that it may hold only such as plugins make for pods.
# What the kernel itself puts into every namespace, by what it is: a name can be given to anything.
def fallback: .parentdev == null and (if .ifname == "lo" then .link_type == "loopback" else {tunl0: "ipip", gre0: "gre", gretap0: "gretap", erspan0: "erspan", sit0: "sit",
  ip6tnl0: "ip6tnl", ip_vti0: "vti", ip6_vti0: "vti6", ip6gre0: "ip6gre"}[.ifname] as $kind | $kind != null and $kind == .linkinfo.info_kind end);
($node[0] | map({key: "\(.ifindex)", value: .}) | from_entries) as $hosts
| . as $namespace
| (.links // [] | map(select(fallback | not))) as $links
| ($links | map(select(.linkinfo.info_kind == "veth") | . as $link | $hosts["\(.link_index)"]
| select(. != null and .linkinfo.info_kind == "veth" and .link_netnsid == $namespace.nsid and .link_index == $link.ifindex) | {inside: $link.ifindex, text: "\(.ifname)#\(.ifindex)"})) as $ends
| [.name,
(if .links == null then "what it holds could not be read" else
([$links[] | select(.linkinfo.info_kind == null or .parentdev != null) | "it holds the device \(.ifname), which is not virtual"]
+ [$links[] | select(.linkinfo.info_kind | IN("veth", "macvlan", "ipvlan", "vlan") | not) | "it holds the device \(.ifname), which no plugin makes for a pod (\(.linkinfo.info_kind))"]
+ [$links[] | select(.linkinfo.info_kind == "veth" and (.ifindex | IN($ends[].inside) | not)) | "the other end of its \(.ifname) is not on the node"])[0] // "" end),
([$ends[].text] | join(" ")),
([$links[].addr_info[]? | select(.scope == "global") | .local] | join(" "))]
| map(gsub("[^ -~]"; "") | if . == "" then "-" else . end) | join("\t")
