# Routes and rules of the node for addresses that nobody has any more: WHAT,none,0,… among `restores` and `undos`.

# used_by ADDRESS: sets `user` to who has the address: a namespace that has a name or a process, a cached result, or a record.
# Fails, with the reason in `errors`, if not all could be read.
used_by() {
  addresses_inside && reservations >reserved 2>errors && aws_reservations >ipamd 2>errors || return
  jq -r 'select(.error != null).file' ipamd >answer 2>errors || return
  [ ! -s answer ] || { lines 'the checkpoint of ipamd cannot be read' >errors; return 1; }
  jq -r '.allocations[]? | .ipv4, .ipv6 | strings' ipamd >allocated 2>errors || return
  user=$(awk -F "$T" -v address="$1" 'FILENAME == "inside" || FILENAME == "used" { if (tolower($2) == address) { sub("^/proc/1/root/", "/", $1); print $1 " has the address"; exit } next }
    FILENAME == "allocated" { if (tolower($0) == address) { print "ipamd has given the address away"; exit } next }
    { count = split($0, part, "/"); if (part[count] == address) { print "host-local has a record of the address in network " part[count - 1]; exit } }' inside used allocated reserved)
}

# look_at_stale WHAT none 0 …: sets `state`, as look_at_lost does.
look_at_stale() {
  case $1 in
    stale-route) address=$6 && { ip -j route && ip -6 -j route; } >restore.more 2>errors ;;
    *) address=$4 && { ip -j rule && ip -6 -j rule; } >restore.more 2>errors ;;
  esac && ip -j -d link >restore.node 2>errors && used_by "$address" || return
  if [ "$1" = stale-rule ] && [ -z "$user" ] && [ ! -s ipamd ]; then user='ipamd keeps no checkpoint'; fi
  lines "$M"/root/run/netns/* | each stat -L -c '%d %n' 2>/dev/null | sed -n "s#^$device .*/##p" >names.known
  numbers <names.known >nsids 2>errors || return
  state=$(jq -nr --arg asked "$asked" --arg user "$user" --argjson known "[$(cut -d ' ' -f 2 nsids | paste -sd , -)]" --slurpfile node restore.node --slurpfile more restore.more '
    <stale.jq>' 2>errors) && [ -n "$state" ]
}
