# The file that the kubelet gives to pods with dnsPolicy Default: its flag, else its configuration, else /etc/resolv.conf.
# A kubelet inside of another process (k3s) makes up its own where that one will not do.
job_node_resolv_conf() {
  process=$(programs kubelet | head -n 1)
  [ -n "$process" ] || return 0
  conf=$(argument "$process" --resolv-conf)
  # A kubelet may be a container itself (Talos, RKE): its files are those that it sees.
  if [ -z "$conf" ]; then
    config=$(argument "$process" --config)
    host "${config:-/var/lib/kubelet/config.yaml}" "$process/root"
    config=$path
    # Files in its directory of additions come later and win; without one, the pattern leads nowhere.
    additions=$(argument "$process" --config-dir)
    host "${additions:-/var/lib/kubelet/config.yaml}" "$process/root"
    conf=$(cat "$config" "$path"/*.conf 2>/dev/null | sed -n "s/^ *\"\{0,1\}resolvConf\"\{0,1\}: *[\"']\{0,1\}\([^\"', #]*\).*/\1/p" | tail -n 1)
  fi
  host "${conf:-/etc/resolv.conf}" "$process/root"
  grep -E '^(nameserver|search|domain|options)[[:space:]]' "$path" | head -n 64 >b/host/resolv.conf
}
