# The same words as restore.jq, of a route or rule of the node for an address that nobody has: `right` where it is gone, `found` where it is just
# as the audit found it. `user` says who has the address, `known` are the numbers of the namespaces that have names, `node` the node's links, and
# `more` its routes or rules.
($asked | split(",")) as [$what, $none, $zero, $first, $second, $third, $fourth]
| def stale_route:
($node[0] | map(select("\(.ifindex)" == $second)) | .[0]) as $host
| [$more[][] | select(.dst == $third)] as $same
| if $host == null then "its link is gone"
elif $host.ifname != $first then "another link has its number by now"
elif $host.linkinfo.info_kind != "veth" or $host.master != null then "\($first) is no link of a pod"
elif $host.link_netnsid != null and (any($known[]; . == $host.link_netnsid) | not) then "\($first) leads to a namespace without a name"
elif ($same | length) == 0 then "right"
elif ($same | length) == 1 and ($same[0] | (.type // "unicast") == "unicast" and .dev == $first and (.scope // "global") == $fourth
and .metric == (if $third | contains(":") then 1024 else null end)
and ((keys - ["dst", "dev", "scope", "flags", "metric", "pref", "type"]) == [])) then "found"
else "it has changed since it was found" end;
def stale_rule:
(if $second == "main" then {priority: 512, src: "all", dst: $first} else {priority: 1536, src: $first} end + {table: $second}) as $rule
| [$more[][] | select(if $second == "main" then .priority == 512 and .dst == $first else .priority == 1536 and .src == $first end)] as $same
| if ($same | length) == 0 then "right"
elif $same == [$rule] then "found"
else "it has changed since it was found" end;
if $user != "" then $user
elif $what == "stale-route" then stale_route
elif $what == "stale-rule" then stale_rule
else "it is of no known kind" end
| gsub("[^ -~]"; "")
