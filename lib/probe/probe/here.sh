# Where the node is, as seen from here: its root, and the mount namespace of its runtime. Repairs (../repair) also start with this.
R=/proc/1/root
# The parent process is the runtime's monitor of this container. It sees the pins where the runtime creates them, which may be
# a separate mount namespace (docs/traps.md T51); otherwise PID 1's view is used.
M=/proc/1 monitor=
read -r name <"/proc/$PPID/comm" && case $name in containerd-shim* | conmon*) monitor=$name ;; esac
[ -z "$monitor" ] || [ "/proc/$PPID/ns/mnt" -ef /proc/1/ns/mnt ] || [ ! -d "/proc/$PPID/root/" ] || M=/proc/$PPID
T='	'
