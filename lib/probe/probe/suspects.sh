# Processes that may hold a namespace which only a socket keeps alive: those with sockets that their own namespace does
# not list. Expensive, so only if the host knows a namespace to which nothing leads.
job_suspects() {
  [ -s b/host/ip.json ] || return
  sed -n 5p b/host/ip.json | grep -q '"nsid":[0-9]*}' || return 0
  # Reads only the namespaces of processes that have sockets, except the probe's own.
  awk -v list=b/host/processes -v ours="$(stat -L -c %i /proc/self/ns/mnt)" -v foreign=foreign '<suspects.awk>' sockets >b/host/suspects
}

# Which process holds what; if sockets cannot be asked, there are only suspects.
job_holders() {
  [ ! -s foreign ] || nsenter --net=/proc/1/ns/net perl -e '
    <sockets.pl>' <foreign >b/host/holders
  return 0
}
