# Records of host-local whose container no longer exists: NETWORK:ADDRESS:CONTAINER in `leaked`.

# Writes `inside`: place on the node, tab, address, for all namespaces that have a name or a process. Fails, with the
# reason in `errors`, if a namespace that still exists cannot be read.
addresses_inside() {
  device=$(stat -L -c %d /proc/self/ns/net)
  { lines "$M"/root/run/netns/*; lines /proc/[0-9]*/ns/net; } | each stat -L -c '%d:%i %n' 2>/dev/null | sort -u >spaces
  : >inside
  looked_into=''
  while read -r identity space; do
    [ "${identity%%:*}" = "$device" ] && [ "$identity" != "$looked_into" ] || continue
    if nsenter --net="$space" ip -o addr >addresses.here 2>errors; then
      awk -v where="a namespace of the node ($space)" '{ sub(/\/.*/, "", $4); print where "\t" $4 }' addresses.here | sed "s#$M/root##" >>inside
      looked_into=$identity
    # A process that has ended meanwhile leads nowhere; another process in the same namespace does.
    elif [ -e "$space" ]; then
      return 1
    fi
  done <spaces
}

# Prints for each record why it must stay, as recorded.pl does. Fails, with the reason in `errors`, if that cannot be known.
records() {
  : >names
  runtime_networks >networks
  runtime_knows && plugins_know && addresses_inside && each jq -r '.containerId | strings' <all-results >holders 2>errors &&
    perl -e '
    <recorded.pl>' $((settle > 900 ? settle : 900)) "$1" 2>errors
}

leaked_answers() {
  if late; then stopped='the time was over'; fi
  if [ -n "$stopped" ] || ! records "${act#0}" >recorded.now; then
    while IFS=: read -r network rest; do tell left "$network/${rest%:*}" "${stopped:-not all could be looked at: $(said errors)}"; done <leaked
    return
  fi
  while IFS=$T read -r name why; do
    case $why in
      '') if [ "$act" = 1 ]; then tell 'done' "$name" 'its record is gone'; else tell would "$name" 'nobody knows its container, and nobody has the address'; fi ;;
      failed:*) tell failed "$name" "it could not be freed${why#failed}" ;;
      *) tell refused "$name" "$why" ;;
    esac
  done <recorded.now
}
if [ -s leaked ]; then
  leaked_answers >answers
  print_answers
fi
