# Whether a namespace can be created, without a name or link that anything else sees.
job_creation() {
  [ "$creation" = 1 ] || return 0
  clock; before=$now
  error=$(unshare --net ip link add netns-audit0 type veth peer name netns-audit1 2>&1); code=$?
  clock
  printf '%s\t%s\t%s\n' "$code" "$(((now - before) * 10))" "$error" >b/kernel/creation
}
