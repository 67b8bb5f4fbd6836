# job_stack uses six and legacy.
# shellcheck disable=SC2034
inside() {
  six="" legacy="" count=""
  # No loop with `read`, which would ask the kernel for each byte: a node has an address for each pod.
  grep -qs "^[^ ]* [^ ]* [^ ]* 00 " "$1/if_inet6" && six=1
  [ -f "$1/stat/nf_conntrack" ] && { read -r _; read -r count _; } <"$1/stat/nf_conntrack" && echo $((0x$count)) >"$2/conntrack"
  for family in ip ip6; do
    table=""
    [ -f "$1/${family}_tables_names" ] && read -r table <"$1/${family}_tables_names"
    [ -z "$table" ] || legacy="$legacy $family"
  done
}
