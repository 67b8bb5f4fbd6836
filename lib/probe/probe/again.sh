# A sandbox recorded meanwhile owns what was found of it before; a half-written one is read again.
job_sandboxes_again() {
  containers >b/sandboxes.after
  awk -F '\t' 'BEGIN { while ((getline line < "b/sandboxes.ndjson") > 0) {
      split(line, part, "\""); if (part[6] != "error") known[part[4]] } }
    !($4 in known) { print $4 }' b/sandboxes.after >new
  [ -s new ] && reduced "$spec" <new >b/sandboxes.new
  return 0
}

# Runs before the second listing of sandboxes: what belongs to a sandbox in both lists is in each of these files.
job_look_again() {
  pin_files >b/host/pins.after
  node_links >b/host/links.after
  grep ' - nsfs ' $M/mountinfo >b/host/mounts.after
  cut -f 3 b/netns/index | each stat -L -c '%i %n' >b/host/index.after 2>/dev/null
  reservations | each stat -c '%Y %s %n' >b/cni/host-local.after 2>/dev/null
  aws_reservations >b/cni/aws-ipam.after
  program_pins >b/cni/program-pins.after
  return 0
}
