{file: input_filename, kind, containerId, networkName, ifName, netns,
args: [.cniArgs[]? | select(.[0] | startswith("K8S_POD_"))],
plugins: (try (.config | @base64d | fromjson | if .plugins then [.plugins[].type] else [.type] end) catch null),
result: (.result | {cniVersion, interfaces, ips, ip4, ip6, routes})}
