# stack INODE DIRECTORY KIND PID PATH [leaked]: the content of one namespace. PID lives in it, or is `-`. For a namespace of no
# pod, only links, addresses and routes are needed.
job_stack() {
  out=b/$2
  case $3 in
    pin) ;;
    # The process may be gone, and its pid reused.
    *) ended "$1" "$5" && return 0 ;;
  esac
  if [ ! -f "$out/netlink" ]; then
    # ip enters by itself at half the cost of nsenter, but mounts its own /sys, which may be forbidden.
    ip -n "../../../..$5" -j -d -force -batch batch >"$out/ip.json" 2>ip.err ||
      nsenter --net="$5" ip -j -d -force -batch batch >"$out/ip.json" || { code=$?; ended "$1" "$5" && return 0; return $code; }
  fi
  [ -z "$6" ] || return 0
  net=
  [ "$4" != - ] && [ "/proc/$4/ns/net" -ef "$5" ] && net=/proc/$4/net
  if [ -n "$net" ]; then
    inside "$net" "$out"
  else
    nsenter --net="$5" sh -c "$inside"'; inside /proc/net "$1"; printf "%s\n" "six=$six" "legacy=\"$legacy\""' sh "$out" >inside && . ./inside
  fi
  # IPv6 rules matter only if an IPv6 address is more than link-local; this saves a fork in most pods.
  if [ "$1" = host ] || { [ -n "$six" ] && [ ! -f "$out/netlink" ]; }; then nsenter --net="$5" ip -j -6 rule show >"$out/rule6.json" || return; fi
  [ "$1" = host ] || filters "$5" "$out"
}

# filters NAMESPACE DIRECTORY: its packet filters, including legacy iptables for the families in `legacy`.
filters() {
  nsenter --net="$1" nft -s list ruleset >"$2/nft" 2>nft.err || echo "nft: exit $?" >>nft.err
  # nft 1.0.6 finds targets of iptables for one family only, that of the first table with some: IPv4 is asked for by itself.
  if [ -s nft.err ] && grep -q '^XT .* not found' nft.err; then
    {
      nsenter --net="$1" nft -s list ruleset ip || echo "nft: exit $?" >&2
      printf 'list ruleset %s\n' ip6 inet netdev bridge arp | nsenter --net="$1" nft -s -f - || echo "nft: exit $?" >&2
    } >"$2/nft" 2>nft.err
  fi
  # inside.sh sets it.
  # shellcheck disable=SC2154
  for family in $legacy; do
    nsenter --net="$1" "${family}tables-legacy-save" >"$2/${family}tables-legacy" || echo "${family}tables-legacy-save: exit $?" >>nft.err
  done
  [ ! -s nft.err ] || mv nft.err "$2/nft.err"
}

# inside NET DIRECTORY: sets `six` if there are IPv6 addresses beyond link-local, sets `legacy` to the families with legacy
# iptables tables, and writes the number of tracked connections. NET is /proc/PID/net.
inside='<inside.sh>'
eval "$inside"

# Whether the path no longer leads to the namespace: then records it as gone, and removes its files.
ended() {
  [ "$1" != host ] && [ "$(stat -L -c %i "$2" 2>/dev/null)" != "$1" ] || return 1
  echo "$1" >>b/netns/gone
  rm -rf "b/netns/$1"
}

job_host_firewall() {
  inside /proc/1/net b/host
  filters /proc/1/ns/net b/host
}
