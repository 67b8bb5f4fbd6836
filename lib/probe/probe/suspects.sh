# Who may hold a namespace that only a socket keeps alive: processes with sockets that their own namespace does
# not list. Costly, so only when the host knows a namespace that nothing led to.
job_suspects() {
  [ -s b/host/ip.json ] || return
  sed -n 5p b/host/ip.json | grep -q '"nsid":[0-9]*}' || return 0
  # Only the namespaces of processes that have sockets are read; our own processes are none of them.
  awk -v list=b/host/processes -v ours="$(stat -L -c %i /proc/self/ns/mnt)" -v foreign=foreign '<suspects.awk>' sockets >b/host/suspects
}

# Which of them holds what; where sockets cannot be asked, suspects are all that there is.
job_holders() {
  [ ! -s foreign ] || nsenter --net=/proc/1/ns/net perl -e '
    <sockets.pl>' <foreign >b/host/holders
  return 0
}
