# Only if requested: does each pod answer the node, reach its gateway, and get an answer from its DNS server? A pod chooses the
# names of its links and servers: anything that is not a plain name or address is kept out of commands.
job_active_plan() {
  lines b/netns/*/ip.json | grep -v '\*' | xargs jq -r '<active-addresses.jq>' >found || return
  awk -F '\t' -v found=found -v resolv=b/resolv '
    <active-targets.awk>' b/host/processes >b/active/targets
  case $active in *,ping,*) echo active_ping ;; esac >>jobs
  while IFS=$T read -r inode _ gateway server; do
    path=$(awk -F '\t' -v inode="$inode" '$1 == inode { print $3; exit }' b/netns/index)
    lines "active_pod $inode $gateway $server $path"
  done <b/active/targets >>jobs
  lines $closing >>jobs
}

job_active_ping() {
  cut -f 2 b/active/targets | tr , '\n' | grep -v '^-$' >addresses || return 0
  nsenter --net=/proc/1/ns/net fping -r 1 -t 300 -i 2 -f addresses >b/active/ping
  [ $? -le 2 ] && nsenter --net=/proc/1/ns/net ip neigh show >b/active/neighbours
}

# active_pod INODE GATEWAY SERVER PATH. Gateways of Calico and AWS never answer, which takes most of a second to find out:
# meanwhile, other pods are probed.
job_active_pod() {
  case $active in *,ping,*)
    [ "$2" = - ] || nsenter --net="$4" sh -c 'IFS=,; fping -r 1 -t 300 -- $1; ip neigh show' sh "${2#-,}" >"b/active/$1.gateway" 2>&1 & ;;
  esac
  case $active in *,dns,*)
    [ "$3" = - ] || {
      echo "$lookup"
      nsenter --net="$4" dig +time=1 +tries=2 +short "@$3" "$lookup" A; code=$?
      echo "code=$code"
    } >"b/active/$1.dns" 2>&1 ;;
  esac
  [ $((number % 8)) -gt 0 ] || wait
}
