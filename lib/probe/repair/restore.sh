# What a pod lost of its network, or the node for its pods; or what the node has and should not (stale.sh). `restores`: WHAT,NAME,PIN,INODE,… in the order in which to
# put it back. `undos`: what was put back and is to be taken back.

# runs_in PIN INODE: the pin still is that namespace, and a container that the runtime knows by it runs in it. Fails, with
# `why`, if not.
runs_in() {
  [ "$(stat -L -c '%d %i' "$M/root/run/netns/$1" 2>/dev/null)" = "$(stat -L -c %d /proc/self/ns/net) $2" ] ||
    { why='its network namespace is gone, or another one'; return 1; }
  awk -F "$T" -v pin="$1" 'FILENAME == "mentioned" { if ($2 == pin) of[$1]; next } $4 in of { print $3 }' mentioned containers.now >processes
  while read -r process; do
    [ "$(stat -L -c %i "/proc/$process/ns/net" 2>/dev/null)" != "$2" ] || return 0
  done <processes
  why='no container of the runtime runs in its network namespace'
  return 1
}

in_pod() { nsenter --net="$M/root/run/netns/$space" "$@"; }

# Reads a setting of the node, or writes it: our own /proc/sys is read-only, and shows the same network.
setting_of() { lines "$M/root/proc/sys/net/$1"; }
value_of() { tr -cd '0-9' <"$(setting_of "$1")"; }
forwarding_of() { case $1 in 4) lines ipv4/ip_forward ;; *) lines ipv6/conf/all/forwarding ;; esac; }

# rest_of_node WHAT PIN INODE …: what else restore.jq needs to know for it.
rest_of_node() {
  case $1 in
    host-route | node-route) ip -j route && ip -6 -j route ;;
    aws-rule) ip -j rule && ip -6 -j rule ;;
    # A kernel that forwards accepts router advertisements only if the setting is 2.
    forwarding)
      lost_to=''
      if [ "$4" = 6 ]; then
        for link in $(ip -6 -j route show default | jq -r '.[] | select(.protocol == "ra").dev // empty'); do
          [ "$(value_of "ipv6/conf/$link/accept_ra")" = 2 ] || lost_to='{"protocol": "ra"}'
        done
      fi
      printf '{"now": "%s", "routes": [%s]}' "$(value_of "$(forwarding_of "$4")")" "$lost_to"
      ;;
    link-setting)
      printf '{"now": "%s", "global": "%s", "routes": ' "$(value_of "ipv4/conf/$4/$6")" "$(value_of ipv4/ip_forward)" && ip -j route show default && echo '}'
      ;;
    node-neighbour) ip -j neigh ;;
    gateway-neighbour) in_pod ip -j neigh ;;
    pod-neighbour) in_pod ip -j neigh && if runs_in "$9" "${10}"; then nsenter --net="$M/root/run/netns/$9" ip -j addr; else echo '[]'; fi ;;
  esac
}

# look_at_lost WHAT PIN INODE …: sets `state` to what restore.jq says of it. Fails, with the reason in `errors`, if not all
# could be read.
look_at_lost() {
  lines "$space" | numbers >nsid 2>errors && ip -j -d addr >restore.node 2>errors && in_pod ip -j -d addr >restore.inside 2>errors &&
    { in_pod ip -j route && in_pod ip -6 -j route; } >restore.routes 2>errors && each cat <result-files >restore.results 2>errors &&
    rest_of_node "$@" >restore.more 2>errors || return
  claimed=''
  # ip prints nothing about a gateway that no route leads to, and nothing about a table without routes.
  case $1 in
    default-route) in_pod ip -j route get "$5" 2>answer ;;
    aws-rule) [ "$7" = main ] || case $6 in *:*) ip -6 -j route show table "$7" 2>answer ;; *) ip -j route show table "$7" 2>answer ;; esac ;;
  esac >restore.way || : >restore.way
  case $1 in
    host-route | aws-rule) claimed=$6 ;;
    node-neighbour) claimed=$7 ;;
  esac
  claimed=$(awk -F "$T" -v address="$claimed" 'FILENAME == "result-files" { own[$1]; next } $2 == address && !($1 in own) { sub(/.*\//, "", $1); print $1; exit }' result-files used)
  state=$(jq -nr --arg asked "$asked" --arg claims "$claimed" --argjson nsid "$(cut -d ' ' -f 2 nsid)" --slurpfile node restore.node --slurpfile inside restore.inside \
    --slurpfile routes restore.routes --slurpfile way restore.way --slurpfile more restore.more --slurpfile results restore.results '
    <restore.jq>' 2>errors) && [ -n "$state" ]
}

# What belongs to no pod has `none` in the place of its namespace, and limits of the kernel have `node`.
look_at() { case $2 in none) look_at_stale "$@" ;; node) look_at_limits "$@" ;; *) look_at_lost "$@" ;; esac; }

# put_back WHAT PIN INODE …: makes one change to one object. Fails, with the error in `answer`.
put_back() {
  case $1 in
    lo)
      { [ "$4" = address ] || in_pod ip link set dev lo up; } && { [ -n "$(in_pod ip -o -4 addr show dev lo to 127.0.0.0/8)" ] || in_pod ip addr add 127.0.0.1/8 dev lo; }
      ;;
    default-route) in_pod ip route add default via "$5" dev "$4" ;;
    subnet-route) in_pod ip route add "$5" dev "$4" proto kernel scope link src "$6" ;;
    link-up) ip link set dev "$4" up ;;
    # A port loses this setting when it leaves its bridge.
    bridge-port) ip link set dev "$4" master "$6" && { [ "$state" = found ] || ip link set dev "$4" type bridge_slave hairpin on; } ;;
    port-flag) ip link set dev "$4" type bridge_slave "$6" "$7" ;;
    host-route) ip route replace "$6" dev "$4" scope "$7" ;;
    node-route) ip route add "$5" dev "$4" proto kernel scope link src "$6" ;;
    aws-rule) case $7 in main) ip rule add to "$6" lookup main priority 512 ;; *) ip rule add from "$6" lookup "$7" priority 1536 ;; esac ;;
    forwarding) echo 1 >"$(setting_of "$(forwarding_of "$4")")" ;;
    link-setting) echo 1 >"$(setting_of "ipv4/conf/$4/$6")" ;;
    node-neighbour) ip neigh del "$7" dev "$6" ;;
    pod-neighbour) in_pod ip neigh del "$7" dev "$6" ;;
    stale-route) ip route del "$6" dev "$4" ;;
    limits) raise_limits ;;
    stale-rule) case $5 in main) ip rule del to "$4" lookup main priority 512 ;; *) ip rule del from "$4" lookup "$5" priority 1536 ;; esac ;;
    gateway-neighbour)
      case $9 in
        written) in_pod ip neigh replace "$7" lladdr "$(jq -r --arg link "$4" '.[] | select(.ifname == $link).address' restore.node)" nud permanent dev "$6" ;;
        *) in_pod ip neigh del "$7" dev "$6" ;;
      esac
      ;;
  esac >answer 2>&1
}

# take_back WHAT PIN INODE …: makes the opposite change, to how it was found.
take_back() {
  case $1 in
    lo) case $4 in up) in_pod ip link set dev lo down ;; *) in_pod ip addr del 127.0.0.1/8 dev lo ;; esac ;;
    default-route) in_pod ip route del default via "$5" dev "$4" ;;
    subnet-route) in_pod ip route del "$5" dev "$4" ;;
    link-up) ip link set dev "$4" down ;;
    bridge-port) ip link set dev "$4" nomaster ;;
    port-flag) case $7 in on) ip link set dev "$4" type bridge_slave "$6" off ;; *) ip link set dev "$4" type bridge_slave "$6" on ;; esac ;;
    host-route) case $8 in none) ip route del "$6" dev "$4" ;; *) ip route replace "$6" dev "$8" scope "$7" ;; esac ;;
    node-route) ip route del "$5" dev "$4" ;;
    aws-rule) case $7 in main) ip rule del to "$6" lookup main priority 512 ;; *) ip rule del from "$6" lookup "$7" priority 1536 ;; esac ;;
    forwarding) echo 0 >"$(setting_of "$(forwarding_of "$4")")" ;;
    link-setting) echo 0 >"$(setting_of "ipv4/conf/$4/$6")" ;;
    limits) lower_limits ;;
    pod-neighbour) in_pod ip neigh replace "$7" lladdr "$8" nud permanent dev "$6" ;;
    node-neighbour) ip neigh replace "$7" lladdr "$8" nud permanent dev "$6" ;;
    gateway-neighbour) case $8 in none) in_pod ip neigh del "$7" dev "$6" ;; *) in_pod ip neigh replace "$7" lladdr "$8" nud permanent dev "$6" ;; esac ;;
  esac >answer 2>&1
}

# Says from `state` whether it is as it was found, as it was put back, or between the two.
is_found() { [ "${state% with hairpin}" = found ]; }
# An entry or a file that somebody wrote since is right too, but nothing that the repair left, so it is not taken back.
is_put_back() { is_as_left || [ "$state" = 'somebody has written the right entry' ] || [ "$state" = 'somebody has written the right file' ]; }
is_as_left() { [ "$state" = right ]; }
is_half() { [ "$state" = half ]; }

# The requested change, the state that it starts from and the state that it leads to, in the words of the answers.
put_words() { from=found to=put_back change=put_back began_as='it is as it was found' ended_as='it is as it should be' changed='put back'; }
take_words() { from=as_left to=found change=take_back began_as='it is as it should be' ended_as='it is as it was found' changed='taken back'; }

# lost_answer NAME WHAT,PIN,INODE,…: prints one line. The state is read again for each object, because it may need what was
# changed before it.
lost_answer() {
  name=$1 asked=$2
  IFS=,
  # shellcheck disable=SC2086
  set -- $asked
  unset IFS
  space=$2
  lines "$space" >names
  if [ -z "$stopped" ] && late; then stopped='the time was over'; fi
  if [ -z "$stopped" ] && ! { runtime_knows && plugins_know; }; then stopped="not all could be looked at: $(said errors)"; fi
  if [ -n "$stopped" ]; then tell left "$name" "$stopped"
  # Nobody has most addresses: a route for any of them would look as a deletion leaves it.
  elif [ "$2" = none ] && [ $to = found ]; then tell refused "$name" 'what was deleted is added again by hand'
  elif [ "$space" != none ] && [ "$space" != node ] && ! runs_in "$space" "$3"; then tell refused "$name" "$why"
  elif ! look_at "$@"; then tell left "$name" "not all could be looked at: $(said errors)"
  elif is_$to; then tell refused "$name" "$ended_as"
  elif ! is_$from && ! is_half; then tell refused "$name" "$state"
  elif [ "$act" != 1 ]; then tell would "$name" "$began_as"
  else
    stopped='another one did not go as it should' became=$changed
    case $2,$to in none,*) became=deleted ;; node,put_back) became=raised ;; node,*) became=lowered ;; esac
    if ! $change "$@"; then tell failed "$name" "it could not be $became: $(said answer)"
    elif ! seen_changed "$@"; then tell failed "$name" "it was $became, but $why"
    else
      stopped=''
      tell 'done' "$name" "$ended_as"
    fi
  fi
}

# A port that has just joined a bridge, or a new address, may need some seconds. Fails, with `why`, after that.
seen_changed() {
  for pause in 0 1 1 2 3; do
    sleep $pause
    if ! look_at "$@"; then why="not all could be looked at: $(said errors)"
    elif is_$to; then return 0
    elif [ "$2" = none ]; then
      why_not_gone "$@" || return
    else why="it is not as it should be: $state"; fi
  done
  return 1
}

if [ -s restores ]; then
  put_words
  while IFS=, read -r what name asked; do lost_answer "$name" "$what,$asked"; done <restores >answers
  print_answers
fi
if [ -s undos ]; then
  take_words
  while IFS=, read -r what name asked; do lost_answer "$name" "$what,$asked"; done <undos >answers
  print_answers
fi
