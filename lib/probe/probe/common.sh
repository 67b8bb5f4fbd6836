# Prints each argument as a line; dash's echo would turn `\n` or `\012` in a pod's name into line ends.
lines() { printf '%s\n' "$@"; }

# By default busybox passes 32 kB of arguments at a time, which would need four commands for one.
xargs() { command xargs -s 120000 "$@"; }

# Sets `now` to hundredths of a second since boot: busybox's date has no fractions, and this needs no fork.
clock() {
  read -r now _ </proc/uptime
  now=${now%.*}${now#*.}
}

# host FILE [ROOT]: sets `path` to a host file as seen from here. Absolute symbolic links on the way would lead into the
# probe's own root (docs/traps.md T5): NixOS and k3s have them in the middle of paths.
host() {
  base=${2:-$R} left=$1/ links=0
  path=$base
  while [ -n "${left#/}" ]; do
    left=${left#/} part=${left%%/*} left=${left#*/}
    case $part in '' | .) continue ;; ..) [ "$path" = "$base" ] || path=${path%/*}; continue ;; esac
    if [ -L "$path/$part" ] && [ $links -lt 20 ]; then
      links=$((links + 1)) target=$(readlink "$path/$part") left=$target/$left
      case $target in /*) path=$base ;; esac
    else
      path=$path/$part
    fi
  done
}

# The /proc directories of the node's own processes with that name, as listed by job_places.
programs() { sed -n "s/^$1 //p" programs; }

# argument PROCESS NAMES: the value of a flag on its command line; NAMES is a sed pattern.
argument() { tr '\0' '\n' <"$1/cmdline" | sed -n -e "/^\($2\)\$/{n;p;}" -e "s/^\($2\)=//p" | tail -n 1; }

# each COMMAND: runs it on the files on stdin, one per line, if there are any.
each() { tr '\n' '\0' | xargs -0r "$@"; }

# toml FILES: without comments, with each list on one line, and with only the runtime's own `root`: plugins have theirs.
toml() {
  for file; do echo '[]'; cat "$file"; done 2>/dev/null | awk '{ sub(/#.*/, "") }
    open { line = line " " $0; if (/\]/) { print line; open = 0 } next }
    /^[ \t]*\[/ { table = !/\[ *(crio)? *\]/ }
    table && /^[ \t]*root[ \t]*=/ { next }
    /=[ \t]*\[/ && !/\]/ { line = $0; open = 1; next } { print }'
}

# setting NAME: its paths in `settings`; the last entry that has any counts.
setting() { lines "$settings" | grep -E "^[ $T]*$1[ $T]*=.*/" | tail -n 1 | grep -o '/[^"'"'"', ]*'; }
