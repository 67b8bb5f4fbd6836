job_end() { wait; }

closing='look_again sandboxes_again end'

# Ends the worker at job number $1, records what is left out between that and the closing jobs, and sets `number` to the job
# before these. False, and the worker continues, if it has already reached the closing jobs.
close_early() {
  grep -q '^look_again' jobs || lines $closing >>jobs
  number=$(grep -n '^look_again' jobs | head -n 1)
  number=$((${number%%:*} - 1))
  [ "${1:-0}" -le "$number" ] 2>/dev/null || return 1
  kill -9 $worker 2>/dev/null
  awk -v from="${1:-0}" -v to="$number" 'NR <= from || NR > to { next }
    $1 == "stack" { $0 = ($2 == "host") ? "stack skipped 0 host" : "stacks skipped 0"; if (!($0 in seen)) print; seen[$0] = 1; next }
    !($1 in seen) { seen[$1] = 1; print $1 " skipped 0" }' jobs >>b/steps
}

# Runs the jobs from number $1. A file that grows beyond 2 MiB ends its command with SIGXFSZ.
work() {
  exec 2>>b/errors
  ulimit -f 4096
  number=0 first=$1 over=
  while read -r job arguments; do
    number=$((number + 1))
    [ "$number" -lt "$first" ] && continue
    case "$job $arguments" in
      'stack host '*) ;;
      'stack '*)
        directory=${arguments#* }
        [ ! -f "b/${directory%% *}/nft" ] || continue
        clock
        if [ "$now" -gt "$stacks_until" ]; then
          [ -n "$over" ] || echo 'stacks skipped 0' >>b/steps
          over=1
          continue
        fi ;;
    esac
    lines "$number $job $arguments" >at
    lines "## $job $arguments" >&2
    clock; started=$now
    # Split at blanks, but a `*` in the path of a container's mount must not be expanded.
    # shellcheck disable=SC2086
    set -f; set -- $arguments; set +f
    "job_$job" "$@" </dev/null; code=$?
    clock
    lines "$job $code $((now - started)) $arguments" >>b/steps
  done <jobs
  echo done >at
}

lines '<jobs.txt>' >jobs
clock; begun=$now since=$now last='' closed=''
# Without the closing jobs nothing of the runtime can be judged: the last quarter of the time is reserved for them, and the
# stacks of namespaces get the time before two thirds of it.
stacks_until=$((begun + total * 67)) reserve=$((total * 25))
[ $reserve -le $((limit * 100)) ] || reserve=$((limit * 100))
: >at
: >b/steps
{ echo version=1; date +time=%s; echo "uptime=$begun"; echo "arguments=$*"; } >b/meta
work 1 & worker=$!
while :; do
  sleep 0.1
  read -r at <at || at=''
  if [ "$at" = done ]; then wait $worker; break; fi
  clock
  if [ $((now - begun)) -gt $((total * 100)) ]; then
    lines "total hung $((now - begun)) $at" >>b/steps
    kill -9 $worker 2>/dev/null
    break
  fi
  if [ "$at" != "$last" ]; then last=$at since=$now; fi
  gone=''
  kill -0 $worker 2>/dev/null || gone=died
  # A kernel that is deleting a hundred namespaces delays requests for links. The closing jobs may take longer than a step may, as
  # only the reserve waits for their end; so may the reading of the host, as all others would wait too.
  [ $((now - since)) -gt $((limit * 100)) ] && case ${at#* } in
    look_again* | sandboxes_again* | 'stack host'*) [ $((now - begun)) -gt $((total * 100 - reserve)) ] ;;
  esac && gone=hung
  if [ -z "$closed" ] && [ $((now - begun)) -gt $((total * 100 - reserve)) ]; then
    closed=1
    read -r at <at || at=''
    if close_early "${at%% *}"; then
      rest=${at#* }
      case $rest in '') ;; *' '*) lines "${rest%% *} hung $((now - since)) ${rest#* }" ;; *) lines "$rest hung $((now - since))" ;; esac >>b/steps
      since=$now last=''
      work $((number + 1)) & worker=$!
    fi
    continue
  fi
  if [ -n "$gone" ]; then
    read -r again <at || again=''
    [ "$again" = "$at" ] || continue
    # No signal ends a process in D state: stop waiting for it and continue with the next job.
    kill -9 $worker 2>/dev/null
    number=${at%% *}; rest=${at#* }
    case $rest in *' '*) ;; *) rest="$rest " ;; esac
    lines "${rest%% *} $gone $((now - since)) ${rest#* }" >>b/steps
    case $rest in plan* | active_plan*) lines $closing >>jobs ;; esac
    since=$now last=''
    work $((${number:-0} + 1)) & worker=$!
  fi
done
