# The file that the kubelet gives to pods with dnsPolicy Default: its flag, else its configuration, else /etc/resolv.conf.
# A kubelet inside another process (k3s) writes its own file if that one is unusable. Also what it gives to pods of policy
# ClusterFirst, by the same rules: the last setting counts.
job_node_resolv_conf() {
  process=$(programs kubelet | head -n 1)
  [ -n "$process" ] || return 0
  # A kubelet may be a container itself (Talos, RKE): its files are those in its own root.
  config=$(argument "$process" --config)
  host "${config:-/var/lib/kubelet/config.yaml}" "$process/root"
  config=$path
  # Files in its drop-in directory come later and take precedence; without one, the pattern matches nothing.
  additions=$(argument "$process" --config-dir)
  host "${additions:-/var/lib/kubelet/config.yaml}" "$process/root"
  {
    cat "$config" "$path"/*.conf 2>/dev/null
    tr '\0' '\n' <"$process/cmdline" | sed -n -e '/^--\(resolv-conf\|cluster-dns\|cluster-domain\)$/{N;s/\n/=/;}' \
      -e 's/^--resolv-conf=/resolvConf: /p' -e 's/^--cluster-dns=/clusterDNS: /p' -e 's/^--cluster-domain=/clusterDomain: /p'
  } | awk '
    <kubelet-dns.awk>' >b/host/kubelet-dns
  conf=$(sed -n 's/^file //p' b/host/kubelet-dns)
  host "${conf:-/etc/resolv.conf}" "$process/root"
  grep -E '^(nameserver|search|domain|options)[[:space:]]' "$path" | head -n 64 >b/host/resolv.conf
}
