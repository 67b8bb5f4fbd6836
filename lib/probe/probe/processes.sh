# Does what the next three jobs are for in one walk through /proc by one process, in half of the time. The next jobs write
# what it could not.
job_walk() {
  perl -e '
    <walk.pl>'
}

# One line per process: pid, inodes of its network, pid and mount namespace, state, start, cgroup, command. Kernel threads
# only if they are blocked, and no zombies. /proc/PID/cmdline is not read: it can block on the memory lock of a stuck process.
job_processes() {
  [ ! -f b/host/processes ] || return 0
  lines /proc/[0-9]*/ns/net /proc/[0-9]*/ns/pid /proc/[0-9]*/ns/mnt | xargs stat -L -c '%i %n' 2>/dev/null | awk '
    <processes.awk>' >b/host/processes
}

# Threads in another network namespace than their process, and the stacks of blocked tasks.
job_threads() {
  [ -f b/host/threads ] || lines /proc/[0-9]*/task/[0-9]*/ns/net | xargs stat -L -c '%i %n' 2>/dev/null | awk -v blocked=blocked '
    <threads.awk>' >b/host/threads
  [ -s blocked ] && head -n 50 blocked | while read -r pid task; do
    read -r command <"/proc/$pid/task/$task/comm" && lines "# $pid $task $command" && cat "/proc/$pid/task/$task/stack"
  done >b/kernel/blocked
  return 0
}

# Descriptors of network namespaces. One opened by the path of a pin is shown as that path, or as `/` once the pin is
# unmounted; then only stat of the file tells.
job_descriptors() {
  [ ! -f b/host/descriptors ] || return 0
  lines /proc/[0-9]*/fd/* | xargs stat -c '%N' 2>/dev/null | awk -v sockets=sockets -v pinned=pinned '
    <descriptors.awk>' >b/host/descriptors
  code=$?
  [ -f pinned ] && {
    xargs stat -L -f -c 'fs %t %n' <pinned
    xargs stat -L -c 'file %i %n' <pinned
  } 2>/dev/null | awk '$1 == "fs" && $2 == "6e736673" { nsfs[$3] = 1 }
    $1 == "file" && ($3 in nsfs) { split($3, part, "/"); printf "%s\t%s\t%s\n", part[3], part[5], $2 }' >>b/host/descriptors
  return $code
}
