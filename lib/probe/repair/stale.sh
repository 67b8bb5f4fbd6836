# Routes and rules of the node for addresses that nobody has any more: WHAT,none,0,… among `restores`.

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
  case $1 in stale-route) address=$6 ;; *) address=$4 ;; esac
  # All here compares text, and an address has many spellings.
  perl -MSocket -e 'my $address = shift; for my $family (AF_INET, AF_INET6) { my $bytes = Socket::inet_pton($family, $address);
    exit 0 if defined $bytes && Socket::inet_ntop($family, $bytes) eq $address } exit 1' "$address" || { state='its address is not written as the kernel writes it' && return; }
  used_by "$address" || return
  if [ "$1" = stale-rule ] && [ -z "$user" ] && [ ! -s ipamd ]; then user='ipamd keeps no checkpoint'; fi
  judge_stale "$1" "$user"
}

# judge_stale WHAT USER: the same, for an address that USER has. What may change any moment is read here, as the above takes a while.
judge_stale() {
  lines "$M"/root/run/netns/* | each stat -L -c '%d %n' 2>/dev/null | sed -n "s#^$device .*/##p" >names.known
  numbers <names.known >nsids 2>errors && ip -j -d link >restore.node 2>errors || return
  case $1 in stale-route) ip -j route && ip -6 -j route ;; *) ip -j rule && ip -6 -j rule ;; esac >restore.more 2>errors || return
  state=$(jq -nr --arg asked "$asked" --arg user "$2" --argjson known "[$(cut -d ' ' -f 2 nsids | paste -sd , -)]" --slurpfile node restore.node --slurpfile more restore.more '
    <stale.jq>' 2>errors) && [ -n "$state" ]
}

# why_not_gone WHAT none 0 …: sets `why`. Fails where somebody has got the address since the last look: it is added again as it was, unless
# there is another one for the address by now.
why_not_gone() {
  why='it is still there'
  [ -n "$user" ] || { [ "$state" = found ] || why=$state; return 0; }
  why="$user by now"
  if judge_stale "$1" '' && [ "$state" = right ]; then
    if add_again "$@" >answer 2>&1; then why="$why: it was added again"; else why="$why, and it could not be added again: $(said answer)"; fi
  fi
  return 1
}

add_again() {
  case $1 in
    stale-route) ip route add "$6" dev "$4" scope "$7" ;;
    *) case $5 in main) ip rule add to "$4" lookup main priority 512 ;; *) ip rule add from "$4" lookup "$5" priority 1536 ;; esac ;;
  esac
}
