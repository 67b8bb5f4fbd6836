# job_stack uses six and legacy.
# shellcheck disable=SC2034
inside() {
  six="" legacy="" count=""
  [ -f "$1/if_inet6" ] && while read -r _ _ _ scope _; do [ "$scope" = 00 ] && six=1; done <"$1/if_inet6"
  [ -f "$1/stat/nf_conntrack" ] && { read -r _; read -r count _; } <"$1/stat/nf_conntrack" && echo $((0x$count)) >"$2/conntrack"
  for family in ip ip6; do
    table=""
    [ -f "$1/${family}_tables_names" ] && read -r table <"$1/${family}_tables_names"
    [ -z "$table" ] || legacy="$legacy $family"
  done
}
