# Only if requested: does each pod answer the node, reach its gateway, and get an answer from its DNS server? A pod chooses the
# names of its links and servers: anything that is not a plain name or address is kept out of commands.
job_active_plan() {
  lines b/netns/*/ip.json | grep -v '\*' | xargs jq -r '<active-addresses.jq>' >found || return
  awk -F '\t' -v found=found -v resolv=b/resolv '
    <active-targets.awk>' b/host/processes >b/active/targets
  {
    case $active in *,ping,*) echo active_ping ;; esac
    case $active in *,cross,*) echo active_cross ;; esac
  } >>jobs
  case $active in *,ping,* | *,dns,*)
    while IFS=$T read -r inode _ gateway server; do
      path=$(awk -F '\t' -v inode="$inode" '$1 == inode { print $3; exit }' b/netns/index)
      lines "active_pod $inode $gateway $server $path"
    done <b/active/targets >>jobs ;;
  esac
  lines $closing >>jobs
}

job_active_ping() {
  cut -f 2 b/active/targets | tr , '\n' | grep -v '^-$' >addresses || return 0
  nsenter --net=/proc/1/ns/net fping -r 1 -t 300 -i 2 -f addresses >b/active/ping
  [ $? -le 2 ] && nsenter --net=/proc/1/ns/net ip neigh show >b/active/neighbours
}

# Pods of this node and the node itself ping the next node and pods of it; the node also pings these pods of its own.
# Where no answer comes, packets with a short lifetime make the nodes on the way name themselves. Of its own, the first two that
# have a namespace send, and one for each further table to which a rule takes what a pod sends: on AWS, a network interface.
job_active_cross() {
  nsenter --net=/proc/1/ns/net ip rule >rules
  awk -F '\t' -v from="$from" 'FILENAME == "rules" { n = split($2, word, " "); if (word[2] in table) next
      for (i = 3; i < n; i++) if (word[i] == "lookup") table[word[2]] = word[i + 1]; next }
    FILENAME == "b/netns/index" { path[$1] = $3; next }
    { n = split($2, held, ","); for (i = 1; i <= n; i++) inode[held[i]] = $1 }
    END { n = split(from, each, ","); for (i = 1; i <= n && sent < 8; i++) { a = each[i]; t = table[a]
      if (a in inode && (sent < 2 || !(t in used))) { sent++; used[t]; print inode[a] "\t" path[inode[a]] "\t" a } } }' \
    rules b/netns/index b/active/targets >crossing
  # Split at blanks: addresses only.
  # shellcheck disable=SC2046
  set -- $(lines "$cross" | tr , ' ')
  while IFS=$T read -r inode path _; do
    nsenter --net="$path" sh -c '
      fping -r 2 -t 300 -- "$@" ||
      for hops in 1 2 3; do echo "hops=$hops"; fping -H $hops -r 1 -t 300 -- "$@"; done' \
      sh "$@" >"b/active/$inode.cross" 2>&1 &
  done <crossing
  # shellcheck disable=SC2046
  nsenter --net=/proc/1/ns/net fping -r 2 -t 300 -- "$@" $({ lines "$from" | tr , '\n' | head -n 8; cut -f 3 crossing; } | sort -u) >b/active/cross 2>&1
  wait
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
