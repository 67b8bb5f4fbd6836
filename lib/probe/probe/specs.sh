# The part of a runtime spec that leaves the node: ids, CRI annotations and namespace paths; no environment, no arguments.
spec='
<spec.jq>'

# Runs the jq program $1, whose answers begin with `{"file":"PATH",`, on the files named on stdin. jq continues after a missing
# file, and ends at a malformed one: of the files given to one jq, that is the first without an answer. Of the rest, files that
# do not end in a brace were truncated; the others are read again, in smaller and smaller groups per jq.
reduced() {
  cat >files
  : >bad
  size=9999
  while [ -s files ]; do
    each -n $size jq -c "$1" <files | tee reduced
    : >left
    awk -v size=$size 'BEGIN { while ((getline line < "reduced") > 0) { split(line, part, "\""); answered[part[4]] } }
      !($0 in answered) { group = int((NR - 1) / size); print >>((group in found) ? "left" : "bad"); found[group] }' files
    each grep -Ls '}[[:space:]]*$' <left >>bad
    each grep -ls '}[[:space:]]*$' <left >files
    size=$((size / 9 + 9))
  done
  [ ! -s bad ] || each ls <bad | jq -Rc '{file: ., error: "not readable as JSON"}'
}
