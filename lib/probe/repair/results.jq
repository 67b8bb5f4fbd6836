# Of each cached result a line for each of its plugins: namespace, file, container, pod, interface, arguments, plugin with what it
# calls for addresses, addresses, configuration.
# As libcni undoes it: the last plugin first, with its result (from 0.4.0 on) and the capabilities that it asks for.
def safe(pattern): if type == "string" and test(pattern) then . else error("odd") end;
# Collected, so that a result is read whole or not at all.
[. as $cached
| (.config | @base64d | fromjson) as $list
| (($list.cniVersion // "0.1.0") | split(".") | map(tonumber)) as $version
| ([.netns, (.result.interfaces[]?.sandbox)] | map(select(type == "string") | sub(".*/"; "") | select(startswith("cni-")) | safe("\\A[a-z0-9-]+\\z")) | unique[]) as $name
| (($list.plugins // [$list]) | reverse[]) as $plugin
| ($plugin.capabilities // {} | with_entries(select(.value == true and $cached.capabilityArgs[.key] != null) | .value = $cached.capabilityArgs[.key])) as $capabilities
| [$name, input_filename, (.containerId | safe("\\A[A-Za-z0-9_.-]+\\z")),
(([.cniArgs[]? | select(.[0] == "K8S_POD_UID") | .[1]][0] // "-") | safe("\\A[A-Za-z0-9-]+\\z")), (.ifName | safe("\\A[A-Za-z0-9_.-]+\\z")),
(([.cniArgs[]? | join("=")] | join(";") | if . == "" then "IgnoreUnknown=1" else . end) | safe("\\A[ -~]*\\z")),
([$plugin.type, ($plugin.ipam.type? // empty)] | map(safe("\\A[A-Za-z0-9_-][A-Za-z0-9_.-]*\\z")) | join(" ")),
([.result.ips[]?.address, .result.ip4?.ip, .result.ip6?.ip] | map(strings | sub("/.*"; "") | safe("\\A[0-9a-fA-F.:]+\\z")) | join(" ") | if . == "" then "-" else . end),
($plugin + {name: $list.name, cniVersion: ($list.cniVersion // "0.1.0")}
+ (if $version >= [0, 4, 0] and .result != null then {prevResult: .result} else {} end)
+ (if $capabilities == {} then {} else {runtimeConfig: $capabilities} end) | tojson)]
| join("\t")] | .[]
