def plugin: {type, name, mtu, bridge, subnetFile, hairpin: (.hairpinMode // .delegate.hairpinMode?), isolation: (.portIsolation // .delegate.portIsolation?),
ipam: (.ipam | if type == "object" then {type, subnet, ranges, dataDir} else null end), delegates: [.delegates[]? | {type}]};
{dir: $dir, file: $name, name, plugins: (if .plugins then [.plugins[] | plugin] else null end),
  single: (if .plugins then null else plugin end)}
