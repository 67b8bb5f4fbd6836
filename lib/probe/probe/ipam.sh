# Directories of host-local's networks.
networks() {
  host /var/lib/cni
  for dir in "$path"/networks/* $R/run/cni/networks/*; do [ -d "$dir" ] && lines "$dir"; done
}

reservations() {
  # Not by grep, which fails on a node without any.
  networks | while read -r dir; do lines "$dir"/*; done | sed '/\/\*$/d'
}

# Checkpoints of the AWS VPC CNI; an invalid one is named, with the reason.
aws_reservations() {
  for file in $R/run/aws-node/ipam*.json; do
    [ -f "$file" ] || continue
    jq -ce --arg file "${file#$R}" '{file: $file, version, allocations}' "$file" 2>jq.err ||
      jq -nc --arg file "${file#$R}" --rawfile error jq.err '{file: $file, error: (if $error == "" then "it is empty" else $error[:300] end)}'
  done
}

job_ipam() {
  networks | sed "s#^$R##" >b/cni/networks
  reservations >ipam
  if [ -s ipam ]; then
    each stat -c '%Y %s %n' <ipam >b/cni/host-local 2>/dev/null
    awk '/\/(lock|last_reserved_ip[^\/]*)$/ { next }
      { file = $0; id = ""; name = ""; getline id < file; getline name < file; close(file)
        gsub(/[\r\t]/, "", id); gsub(/[\r\t]/, "", name); printf "%s\t%s\t%s\n", substr(id, 1, 200), substr(name, 1, 50), file }' ipam >b/cni/host-local-files
  fi
  aws_reservations >b/cni/aws-ipam.ndjson
  return 0
}
