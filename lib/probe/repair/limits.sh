# Limits of the kernel that are too low: limits,NAME,node,0,FROM:TO,… among `restores`, or `undos`. They are raised now, and
# for the boots to come in a file under /etc/sysctl.d, which keeps what was in it before.

written='# Written by netns-audit. Lines with #- are those of the file before; without any, there was none.'

# limits_at NAME FROM:TO …: writes `limits`, with a line for each setting: its name, FROM, TO, its value now, its file. Sets
# `conf` to the file for the boots to come. Fails, with the reason in `errors`, if not all could be read.
limits_at() {
  host /etc/sysctl.d
  case $1 in
    user.max_net_namespaces) conf=$path/zz-netns-audit-namespaces.conf settings=$1 ;;
    *) conf=${1#net.ipv} && conf=$path/zz-netns-audit-neighbours-${conf%%.*}.conf settings="${1}1 ${1}2 ${1}3" ;;
  esac
  shift
  for setting in $settings; do
    file=$R/proc/sys/$(lines "$setting" | tr . /)
    value=$(cat "$file" 2>errors) && [ -n "$value" ] || return
    lines "$setting ${1%:*} ${1#*:} $value $file"
    shift
  done >limits
}

# what_conf_sets: says what the file sets: `nothing`, those before (`from`), these (`to`, and `ours` if they were written here), or `other`.
what_conf_sets() {
  [ -e "$conf" ] || [ -L "$conf" ] || { echo nothing && return; }
  [ -f "$conf" ] && [ ! -L "$conf" ] || { echo other && return; }
  for column in 2 3; do awk -v column=$column '{ print $1 "=" $column }' limits >conf.$column; done
  sed '/^[ \t]*[#;]/d; /^[ \t]*$/d; s/[ \t]//g' "$conf" >conf.now
  if cmp -s conf.now conf.3; then
    if head -n 1 "$conf" | grep -qxF -e "$written"; then echo ours; else echo to; fi
  elif cmp -s conf.now conf.2; then echo from
  else echo other; fi
}

# why_not_kept: sets `why` to why no file can be written there, or would not last, or not count.
why_not_kept() {
  dir=${conf%/*} why=''
  [ -d "$dir" ] || { why='the node has no /etc/sysctl.d' && return; }
  [ -w "$dir" ] || { why='/etc/sysctl.d of the node cannot be written' && return; }
  [ $to = put_back ] || { set_elsewhere; return; }
  on=$dir
  # The upper directory of an overlay has what is written.
  if [ "$(stat -f -c %t "$dir")" = 794c7630 ]; then
    on=$(awk -v dir="${dir#"$R"}/" '{ point = $5 == "/" ? "/" : $5 "/"
      if (index(dir, point) == 1 && length(point) >= longest) { longest = length(point); line = $0 } }
      END { if (match(line, /upperdir=[^, ]*/)) print substr(line, RSTART + 9, RLENGTH - 9) }' "${R%/root}/mountinfo")
    [ -n "$on" ] && [ -d "$R$on" ] || { why='/etc/sysctl.d of the node is an overlay, and whether it outlasts a boot is not known' && return; }
    on=$R$on
  fi
  case $(stat -f -c %t "$on") in
    # tmpfs, ramfs, or what could not be asked.
    1021994 | 858458f6 | '') why='/etc/sysctl.d of the node is in memory, and does not outlast a boot' && return ;;
  esac
  set_elsewhere
}

# set_elsewhere: sets `why` to the file that sets them as well, if one is read later than ours.
set_elsewhere() {
  # In the order in which they are read, whatever their directory; sysctl.conf comes last for sysctl --system.
  for file in "$R"/etc/sysctl.d/*.conf "$R"/run/sysctl.d/*.conf "$R"/usr/local/lib/sysctl.d/*.conf "$R"/usr/lib/sysctl.d/*.conf "$R"/lib/sysctl.d/*.conf; do
    [ ! -f "$file" ] || lines "${file##*/} $file"
  done | sort | awk -v own="${conf##*/}" '$1 > own' | cut -d ' ' -f 2- >later
  [ ! -f "$R/etc/sysctl.conf" ] || lines "$R/etc/sysctl.conf" >>later
  later=$(each awk -F = 'FILENAME == "limits" { sub(/ .*/, ""); asked[$0]; next } /^[ \t]*[#;]/ { next }
    { gsub(/[ \t-]/, "", $1); gsub("/", ".", $1); if ($1 in asked) { print FILENAME; exit } }' limits <later)
  [ -z "$later" ] || why="${later#"$R"} sets it as well, and is read later"
}

# net_namespaces: prints how many the node has at least: those with a process or a name.
net_namespaces() {
  for each in /proc/[0-9]*/ns/net "$M"/root/run/netns/*; do lines "$each"; done | each stat -L -c '%d %i' 2>/dev/null | sed -n "s/^$device //p" | sort -u | wc -l
}

# why_not_lowered: sets `state` to why what is there by now leaves no room below the old limits.
why_not_lowered() {
  before=$(cut -d ' ' -f 2 limits | tail -n 1)
  case $name in
    user.*)
      device=$(stat -L -c %d /proc/self/ns/net) count_now=$(net_namespaces)
      [ "$count_now" -lt "$before" ] || state="$count_now network namespaces are alive by now, so no pod could start"
      return
      ;;
    *4*) table=arp_cache ;;
    *) table=ndisc_cache ;;
  esac
  count_now=$(sed -n '2s/ .*//p' /proc/net/stat/$table 2>&1) && count_now=$(printf %d "0x$count_now" 2>&1) ||
    { state="how full $table is could not be read" && return; }
  # It may be that permanent entries do not count: that is for a person to see.
  [ $((count_now * 10)) -lt $((before * 9)) ] || state="$table has $count_now entries by now, which is too many for $before"
}

# look_at_limits limits node 0 FROM:TO …: sets `state`, as look_at_lost does.
look_at_limits() {
  shift 3
  limits_at "$name" "$@" || return
  # Whoever starts this pod could otherwise lower them.
  awk '$3 < $2 { less = 1 } $3 > $2 { more = 1 } END { exit less || !more }' limits || { state='that would not raise it' && return; }
  sets=$(what_conf_sets)
  live=$(awk '$4 != $2 { raised = 1 } $4 != $3 { low = 1 } $4 != $2 && $4 != $3 { print $1 " is " $4 " by now"; other = 1; exit }
    END { if (!other) print !raised ? "from" : !low ? "to" : "between" }' limits)
  case $live,$sets in
    from,nothing | from,from) state=found ;;
    to,ours) state=right ;;
    to,to) state='somebody has written the right file' ;;
    *,other) state="${conf#"$R"} has something else by now" ;;
    *,to) state="somebody has written ${conf#"$R"}" ;;
    from,ours | between,ours) state=half ;;
    to,* | between,*)
      state=half
      # The file goes last: without it, somebody else has them as they are.
      [ $to = put_back ] || state="${conf#"$R"} is not as it was left"
      ;;
    *) state=$live ;;
  esac
  # What is as wanted needs no more; and what must not be touched has its reason.
  if is_$to || ! { is_found || is_half || is_as_left; }; then return 0; fi
  why_not_kept
  if [ -n "$why" ]; then
    state=$why
    [ $to = found ] || state="$why: put this into its user data (docs/limits.md): $(awk '{ print $1 " = " $3 }' limits | paste -s -d , - | sed 's/,/, /g')"
    return 0
  fi
  while read -r setting _ _ _ file; do
    [ -w "$file" ] || state="this pod may not write $setting"
  done <limits
  [ $to = put_back ] || why_not_lowered
}

# set_limits COLUMN: sets each to what that column of `limits` has. `tee` says what was wrong.
set_limits() {
  cut -d ' ' -f "$1,5" limits >values
  while read -r value file; do lines "$value" | tee "$file" >>set || return; done <values
}

# They are raised before the file is written, because only that can be forbidden; and the file is replaced as a whole.
raise_limits() {
  set_limits 3 && keep_limits && return
  # As if it had not been tried.
  set_limits 4
  return 1
}

# keep_limits: writes them for the boots to come.
keep_limits() {
  [ "$sets" != ours ] || return 0
  { lines "$written" && { [ "$sets" = nothing ] || sed 's/^/#-/' "$conf"; } && awk '{ print $1 " = " $3 }' limits; } >new && write_conf new
}

# write_conf CONTENT: replaces the file.
write_conf() {
  tee "$conf.new" <"$1" >set && cmp -s "$1" "$conf.new" && mv "$conf.new" "$conf" && return
  rm -f "$conf.new"
  return 1
}

# Its file goes last: as long as it is there, the same call can complete it.
lower_limits() {
  sed -n 's/^#-//p' "$conf" >old && set_limits 2 || return
  if [ -s old ]; then write_conf old; else rm -f "$conf.new" "$conf"; fi
}
