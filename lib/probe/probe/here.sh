# Where the node is from here: its root, and where its runtime has its mounts. Repairs (../repair) begin with it, too.
R=/proc/1/root
# Whoever started us is the runtime's monitor of our own container. It sees the pins where the runtime makes them, which
# may be a mount namespace of their own (docs/traps.md T51); anywhere else we look from PID 1.
M=/proc/1 monitor=
read -r name <"/proc/$PPID/comm" && case $name in containerd-shim* | conmon*) monitor=$name ;; esac
[ -z "$monitor" ] || [ "/proc/$PPID/ns/mnt" -ef /proc/1/ns/mnt ] || [ ! -d "/proc/$PPID/root/" ] || M=/proc/$PPID
T='	'
