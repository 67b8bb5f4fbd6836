# The kubelet's own settings of DNS, in YAML, JSON or as flags: `file PATH`, `domain NAME`, `server ADDRESS`, and `end`.
{ line = $0; gsub(/["\047]/, "", line); sub(/[ \t]+#.*$/, "", line); sub(/[ \t\r,}]+$/, "", line) }
open && line ~ /^[ \t]*-?[ \t]*[0-9a-fA-F.:]+$/ { sub(/^[ \t]*-?[ \t]*/, "", line); servers = servers " " line; next }
{ open = 0; sub(/^[ \t{]+/, "", line); value = line; sub(/^[A-Za-z]+:[ \t]*/, "", value) }
line ~ /^resolvConf:/ { file = value }
line ~ /^clusterDomain:/ { domain = value }
line ~ /^clusterDNS:/ { gsub(/[][,]/, " ", value); servers = value; open = value !~ /[^ ]/ }
END { if (file != "") print "file " file; if (domain != "") print "domain " domain
count = split(servers, server, " "); for (i = 1; i <= count && i < 20; i++) print "server " server[i]; print "end" }
