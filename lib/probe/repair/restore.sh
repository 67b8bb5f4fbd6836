# What a pod has lost of its network, and the audit knows exactly: NAME,WHAT,PIN,INODE,… in `restores`, in the order in which it is put back.

# runs_in PIN INODE: the pin still is that namespace, and a container that the runtime knows by it runs in it. False, and `why`.
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

# look_at_lost ASKED: sets `state` to what restore.jq says of it. False, and why in `errors`, where not all could be looked at.
look_at_lost() {
  lines "$space" | numbers >nsid 2>errors && ip -j -d addr >restore.node 2>errors && in_pod ip -j -d addr >restore.inside 2>errors &&
    { in_pod ip -j route && in_pod ip -6 -j route; } >restore.routes 2>errors && each cat <result-files >restore.results 2>errors || return
  gateway=$(lines "$1" | cut -d , -f 5)
  # Nothing is told of a gateway that no route leads to.
  case $1 in default-route,*) in_pod ip -j route get "$gateway" 2>answer ;; esac >restore.way
  state=$(jq -nr --arg asked "$1" --argjson nsid "$(cut -d ' ' -f 2 nsid)" --slurpfile node restore.node --slurpfile inside restore.inside \
    --slurpfile routes restore.routes --slurpfile way restore.way --slurpfile results restore.results '
    <restore.jq>' 2>errors) && [ -n "$state" ]
}

# put_back WHAT PIN INODE …: one change of one object. False, and what it said in `answer`.
put_back() {
  case $1 in
    lo)
      { [ "$4" = address ] || in_pod ip link set dev lo up; } && { [ -n "$(in_pod ip -o -4 addr show dev lo to 127.0.0.0/8)" ] || in_pod ip addr add 127.0.0.1/8 dev lo; }
      ;;
    default-route) in_pod ip route add default via "$5" dev "$4" ;;
    subnet-route) in_pod ip route add "$5" dev "$4" proto kernel scope link src "$6" ;;
    link-up) ip link set dev "$4" up ;;
    # A port forgets it with its bridge.
    bridge-port) ip link set dev "$4" master "$6" && { [ "$state" = found ] || ip link set dev "$4" type bridge_slave hairpin on; } ;;
    port-flag) ip link set dev "$4" type bridge_slave "$6" "$7" ;;
  esac >answer 2>&1
}

# lost_answer NAME WHAT,PIN,INODE,…: one line, of each as of now, as what was put back before it may be what it needs.
lost_answer() {
  name=$1 asked=$2 rest=${2#*,}
  space=${rest%%,*} rest=${rest#*,}
  inode=${rest%%,*}
  lines "$space" >names
  if [ -z "$stopped" ] && late; then stopped='the time was over'; fi
  if [ -z "$stopped" ] && ! { runtime_knows && plugins_know; }; then stopped="not all could be looked at: $(said errors)"; fi
  if [ -n "$stopped" ]; then tell left "$name" "$stopped"
  elif ! runs_in "$space" "$inode"; then tell refused "$name" "$why"
  elif ! look_at_lost "$asked"; then tell left "$name" "not all could be looked at: $(said errors)"
  elif [ "$state" = right ]; then tell refused "$name" 'it is as it should be'
  elif [ "${state% with hairpin}" != found ]; then tell refused "$name" "$state"
  elif [ "$act" != 1 ]; then tell would "$name" 'it is as it was found'
  else
    IFS=,
    # shellcheck disable=SC2086
    set -- $asked
    unset IFS
    stopped='another one did not go as it should'
    if ! put_back "$@"; then tell failed "$name" "it could not be put back: $(said answer)"
    elif ! seen_right; then tell failed "$name" "it was put back, but $why"
    else
      stopped=''
      tell 'done' "$name" 'it is as it should be'
    fi
  fi
}

# A port that a bridge has just got, or an address, may take some seconds. False, and `why`.
seen_right() {
  for pause in 0 1 1 2 3; do
    sleep $pause
    if ! look_at_lost "$asked"; then why="not all could be looked at: $(said errors)"
    elif [ "$state" = right ]; then return 0
    else why="it is not as it should be: $state"; fi
  done
  return 1
}

if [ -s restores ]; then
  while IFS=, read -r name asked; do lost_answer "$name" "$asked"; done <restores >answers
  print_answers
fi
