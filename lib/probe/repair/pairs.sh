# Links of plugins that lead into no pod: NAME:INDEX in `pairs`.

# Writes `pairs.judged`: for each its name, why it must not be deleted, and the numbers of both ends. Fails, with the
# reason in `errors`, if that cannot be known.
look_at_pairs() {
  ip -j -d link >pairs.links 2>errors && ip -j addr >pairs.addresses 2>errors && { ip -j route show table all && ip -6 -j route show table all; } >pairs.routes 2>errors &&
    jq -nr --rawfile asked pairs --slurpfile links pairs.links --slurpfile addresses pairs.addresses --slurpfile routes pairs.routes '
    <pairs.jq>' >pairs.judged 2>errors && [ "$(wc -l <pairs.judged)" -eq "$(wc -l <pairs)" ]
}

# unlink_pair NUMBER: deletes the pair, and checks that both ends are gone. Fails, with `why`, if they are not.
unlink_pair() {
  perl -e '
    <unlink.pl>' "${1%% *}" 2>answer || { why="it could not be deleted: $(said answer)"; return 1; }
  ip -j link >pairs.links 2>answer && jq -e --arg ends "$1" '($ends | split(" ")) as $ends | all(.[]; "\(.ifindex)" | IN($ends[]) | not)' pairs.links >answer && return
  why='it is deleted, but an end of it is still there, or could not be looked for'
  return 1
}

pairs_answers() {
  if ! look_at_pairs; then
    while IFS=: read -r name _; do tell left "$name" "not all could be looked at: $(said errors)"; done <pairs
    return
  fi
  while IFS=$T read -r name why ends; do
    if [ -n "$stopped" ]; then tell left "$name" "$stopped"
    elif [ "$why" != - ]; then tell refused "$name" "$why"
    elif [ "$act" != 1 ]; then tell would "$name" 'both ends are on the node, and nobody uses them'
    elif late; then tell left "$name" 'the time was over'
    # Looked at again: what was seen at the start gets older with each deletion.
    elif ! look_at_pairs || ! grep -qxF -e "$name$T-$T$ends" pairs.judged; then tell refused "$name" 'somebody uses it by now'
    elif unlink_pair "$ends"; then tell 'done' "$name" 'both ends are gone'
    else
      tell failed "$name" "$why"
      stopped='another one did not go as it should'
    fi
  done <pairs.first
}
if [ -s pairs ]; then
  look_at_pairs && cp pairs.judged pairs.first
  pairs_answers >answers
  print_answers
fi
