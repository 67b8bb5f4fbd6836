# Namespaces are judged in small chunks, so that what was seen is only seconds old when they are deleted. If plugins are
# slow, a chunk is judged again after this many seconds.
together=25 fresh=20

# The time is over: nothing new is begun.
late() { [ $(($(date +%s) - began)) -ge "$total" ]; }

# tell WORD NAME WHY: prints a line of the answer.
tell() { lines "$1 $2 $3"; }

# Reduces what programs and files of the node say to plain text.
print_answers() {
  tr -cd ' -~\n' <answers | cut -c 1-400
  count=$((count + $(wc -l <answers)))
}

# The output of a program of the node, as one line.
said() { head -n 3 "$1" | tr '\n' ' '; }

# `programs-of-plugins`: name and program of each plugin in `results`. `unfit`: the name of each plugin that must not be
# run, and why. It would run as root, so nobody else may be able to change it.
find_plugins() {
  : >programs-of-plugins
  : >unfit
  cut -f 7 results | tr ' ' '\n' | sort -u | while read -r type; do
    program='' found=''
    for dir in $directories; do
      host "$dir/$type" "$M/root"
      [ -n "$program" ] || [ ! -f "$path" ] || [ ! -x "$path" ] || { program=$dir/$type found=$path; }
    done
    [ -n "$program" ] || lines "$type${T}there is no CNI plugin $type on the node" >>unfit
    while [ -n "$found" ] && [ "$found" != "$M/root" ]; do
      case $(stat -L -c '%u %A' "$found") in
        # Or a directory in which users cannot replace the files of others.
        '0 '?????-??-?* | '0 d'????????[tT]*) found=${found%/*} ;;
        *) lines "$type${T}somebody else than root may write the CNI plugin $program or a directory of it" >>unfit && found='' ;;
      esac
    done
    [ -z "$found" ] || lines "$type$T$program" >>programs-of-plugins
  done
}

# Judges the namespaces of `chunk`. `judged`: each name, and why it must not be deleted; empty if it may be. `files`: those
# of which only the file of the pin is left. `contents`: for the others that may be deleted, the name, what is inside,
# the links that end on the node, and the addresses. Fails, with the reason in `errors`, if not all of this is known.
look() {
  looked=$(date +%s)
  runtime_knows && kubelet_knows && plugins_know || return
  find_plugins
  perl -e '
    <preconditions.pl>' "$M" "$settle" >judged 2>errors || return
  awk -F "$T" '$2 == "" && $3 == "" { print $1 }' judged >free
  awk -F "$T" '$2 == "" && $3 != "" { print $1 }' judged >files
  ip -j -d link >node-links 2>errors || return
  numbers <free >nsids 2>errors || return
  while read -r name nsid; do
    printf '{"name":"%s","nsid":%s,"links":' "$name" "$nsid"
    nsenter --net="$M/root/run/netns/$name" ip -j -d addr >inside 2>>errors && [ -s inside ] && cat inside || echo null
    echo '}'
  done <nsids | jq -r --slurpfile node node-links '
    <contents.jq>' >contents 2>>errors
  # The node's own programs do the unpinning.
  # shellcheck disable=SC2016
  nsenter --mount="$M/ns/mnt" -- sh -c 'for tool in stat umount rm; do command -v $tool || exit; done' >answer 2>errors ||
    { lines 'the node has no sh, stat, umount or rm' >errors; return 1; }
  [ "$(wc -l <contents)" -eq "$(wc -l <free)" ] || return
  # Results that name no namespace (Calico's, and those of libcni before 0.8) are found by the address. The address of
  # its own result may belong to a pod by now, and plugins would undo by address what they made for that pod.
  awk -F "$T" 'FILENAME == "contents" { if ($2 == "-") { count = split($4, address, " "); for (i = 1; i <= count; i++) has[address[i]] = has[address[i]] " " $1 }; next }
    FILENAME == "results" { count = split($8, address, " "); for (i = 1; i <= count; i++) has[address[i]] = has[address[i]] " " $1; next }
    FILENAME == "cached" { names[$1, $2]; next }
    $2 in has { count = split(has[$2], name, " "); for (i = 1; i <= count; i++) if (!(($1, name[i]) in names) && !told[name[i]]++) {
      file = $1; sub(/.*\//, "", file); print name[i] "\tthe cached result " file " has its address " $2 ", and does not name it" } }' contents results cached used >others
}

# The error of a plugin that failed. It may also print a log, even in JSON.
failure() { jq -rse 'map(.msg? | strings)[-1] | gsub("\n"; " ")' answer 2>errors || said answer; }

# detach NAME: lets each plugin of its cached results undo its work, and removes the results. Fails, with `why`, if one fails.
detach() {
  grep "^$1$T" results >undo || return 0
  while IFS=$T read -r _ file id _ interface arguments type _ configuration; do
    type=${type%% *}
    program=$(awk -F "$T" -v type="$type" '$1 == type { print $2 }' programs-of-plugins)
    lines "$configuration" | env -i PATH="$PATH" CNI_COMMAND=DEL CNI_CONTAINERID="$id" CNI_NETNS="/run/netns/$1" CNI_IFNAME="$interface" \
      CNI_ARGS="$arguments" CNI_PATH="$plugins" timeout -k 5 20 nsenter --mount="$M/ns/mnt" -- "$program" >answer 2>&1 || {
        why="CNI DEL of $type failed: $(failure)"
        return 1
      }
    lines "$1 $id" >>detached
  done <undo
  cut -f 2 undo >forget
  sort -u forget | each rm -f 2>answer && return
  why="its cached result could not be removed: $(said answer)"
  return 1
}

# silence NAME: takes its links down, so that it no longer answers for its addresses, which others may get from now on.
# The addresses stay on the links, so that a later run still knows them.
silence() {
  # shellcheck disable=SC2016
  nsenter --net="$M/root/run/netns/$1" sh -c 'ip -j link | jq -r ".[].ifname" | while read -r link; do ip link set dev "$link" down || exit; done' 2>answer && return
  why="its links could not be taken down: $(said answer)"
  return 1
}

# remove NAME INODE: unpins it among the mounts of the runtime, if the pin still is that namespace and not a symbolic link.
# If only the file is left, removes the file.
remove() {
  # shellcheck disable=SC2016
  nsenter --mount="$M/ns/mnt" -- sh -c 'if [ -n "$1" ]; then [ "$(stat -c %i "$0")" = "$1" ] && umount "$0"; else [ -f "$0" ] && [ ! -L "$0" ] && [ ! -s "$0" ]; fi && rm "$0"' \
    "/run/netns/$1" "$2" >answer 2>&1 && return
  why="it could not be unpinned: $(said answer)"
  return 1
}

# `remaining`: links of unpinned namespaces that are, or may be, still on the node. The kernel removes them some time later.
wait_for_links() {
  for pause in 0 1 1 1 1 1 2 2 5 5 5 5; do
    sleep $pause
    ip -j link >links.now && jq -er '.[] | "\(.ifname)#\(.ifindex)"' links.now >links || {
      awk 'NF > 1 { print $1, "?", "the links of the node" }' unpinned >remaining
      return
    }
    awk 'FILENAME == "links" { there[$0] = 1; next } { for (i = 2; i <= NF; i++) if ($i in there) print $1, $i }' links unpinned >remaining
    [ -s remaining ] || return 0
  done
}

# `recorded`: those of `addresses` that host-local still keeps for them, or may keep if that is not known. Frees addresses
# that no plugin was asked to give back.
free_addresses() {
  [ -s addresses ] && {
    runtime_networks >networks
    # Asked again, because a pod may have it by now.
    runtime_knows && perl -e '
      <release.pl>' $((settle > 900 ? settle : 900)) <addresses >recorded 2>errors
  } || awk '{ print $1, $2 }' addresses >recorded
  reservations | mentions '\A(\S+)' >kept || awk '{ print $1, "?", "the records of addresses" }' detached >>recorded
  awk 'FILENAME == "detached" { name[$2] = $1; next } $2 in name { print name[$2], $1 }' detached kept >>recorded
}

# answer WORD STATE: prints a line for each of `unpinned`, with what was inside or what is left of it.
answer() {
  awk -v word="$1" -v state="$2" -F '[ \t]' 'FILENAME == "unpinned" { name_of[++count] = $1; next }
    FILENAME == "may-go" { line = $0; sub(/^[^\t]*\t-\t/, "", line); split(line, part, "\t"); gsub(/#[0-9]+/, "", part[1])
      held[$1] = (part[1] == "-" ? "no link" : part[1]) " " (part[2] == "-" ? "no address" : part[2]); next }
    $2 == "?" { unread[$1] = substr($0, length($1) + 4); next }
    { rest[$1] = rest[$1] " " $2 }
    END { for (i = 1; i <= count; i++) { name = name_of[i]
      if (name in rest) print "failed " name " it is " state ", but something still has of it:" substr(rest[name], 1, 200)
      else if (name in unread) print "failed " name " it is " state ", but " unread[name] " could not be read afterwards"
      else if (word != "") print word " " name " " held[name] } }' unpinned may-go remaining recorded
}

# Deletes the namespaces of `chunk` that nothing speaks against, and proves it. Fails as soon as one deletion fails. If it is
# killed, the same call finds the rest and finishes it: a namespace is unpinned only after everything else of it is gone.
delete() {
  for file in detached addresses remaining recorded unpinned again; do : >$file; done
  surprise='' tried=''
  while IFS=$T read -r name _ ends held; do
    if [ -n "$surprise" ]; then
      tell left "$name" 'another one did not go as it should'
    elif late; then
      tell left "$name" 'the time was over'
    elif [ $(($(date +%s) - looked)) -ge $fresh ] && [ -n "$tried" ]; then
      grep "^$name:" chunk >>again
    elif detach "$name" && { [ "$held" = - ] || grep -q "^$name " detached || silence "$name"; }; then
      lines "$name ${ends#-}" >>unpinned
      free=1
      ! grep -q "^$name " detached || free=''
      for address in ${held#-}; do lines "$name $address $free"; done >>addresses
    else
      tell failed "$name" "$why"
      surprise=1
    fi
    tried=1
  done <may-go
  free_addresses
  answer '' 'still pinned' >ended
  awk 'FILENAME != "unpinned" { kept[$1]; next } !($1 in kept)' recorded unpinned >ready
  : >unpinned
  while read -r name ends; do
    inode=$(sed -n "s/^$name:\([0-9]*\):.*/\1/p" chunk)
    ! grep -qxF -e "$name" files || inode=''
    if remove "$name" "$inode"; then
      lines "$name $ends" >>unpinned
    else
      tell failed "$name" "$why"
    fi
  done <ready >>ended
  wait_for_links
  answer 'done' unpinned >>ended
  cat ended
  ! grep -q '^failed' ended && [ -z "$surprise" ]
}

job_places 2>/dev/null
plugin_directories
plugins=$(lines "$directories" | tr -s ' \n' '::' | sed 's/:$//')
began=$(date +%s) stopped='' count=0

# Prints the answers for `chunk`.
chunk() {
  if [ -z "$stopped" ] && late; then stopped='the time was over'; fi
  if [ -z "$stopped" ] && ! look; then stopped="not all could be looked at: $(said errors)"; fi
  if [ -n "$stopped" ]; then
    while read -r name; do tell left "$name" "$stopped"; done <names
    return
  fi
  awk -F "$T" '$2 != "" { print $1 "\t" $2 }' judged >refused
  awk -F "$T" '$2 != "-" { print $1 "\t" $2 }' contents >>refused
  cat others >>refused
  awk -F "$T" 'FILENAME == "unfit" { why[$1] = $2; next } { count = split($7, type, " "); for (i = 1; i <= count; i++) if (type[i] in why) print $1 "\t" why[type[i]] }' unfit results >>refused
  awk -F "$T" 'FILENAME == "names" { asked[$1]; next } $1 in asked && !told[$1]++' names refused >told
  while IFS=$T read -r name why; do tell refused "$name" "$why"; done <told
  sed "s/\$/$T-$T-$T-/" files >>contents
  awk -F "$T" 'FILENAME == "refused" { refused[$1]; next } !($1 in refused)' refused contents >may-go
  if [ "$act" = 1 ]; then
    delete || stopped='another one did not go as it should'
  else
    : >remaining
    : >recorded
    cut -f 1 may-go >unpinned
    answer would pinned
  fi
}

while [ -s orphans ]; do
  head -n $together orphans >chunk
  sed "1,${together}d" orphans >rest
  mv rest orphans
  cut -d : -f 1 chunk >names
  : >again
  chunk >answers
  cat again orphans >rest
  mv rest orphans
  print_answers
done
