# For each namespace of `chunk`, prints its name and why it must not be deleted; the reason is empty if every source says that
# nobody uses it, and `file` if only the empty file of its pin is left, because the program that unpinned it was killed.
# Anything that cannot be read ends the script: unknown means no permission.
my ($mounts, $settle) = @ARGV;
sub rows { my $file = shift; open my $rows, "<", $file or die "$file: $!\n"; my @rows = <$rows>; chomp @rows; @rows }
sub gone { $!{ENOENT} || $!{ESRCH} }
sub target { my $link = shift; my $target = readlink $link; die "$link: $!\n" if !defined $target && !gone() && !$!{EINVAL}; $target // "" }
sub each_of { my ($directory, $act) = @_;
  opendir my $entries, $directory or do { return if gone(); die "$directory: $!\n" };
  while (defined(my $name = readdir $entries)) { $act->($name) if $name =~ /^[0-9]+$/ } }
sub text { open my $file, "<", $_[0] or return ""; sysread $file, my $text, 4096; $text // "" }
sub who { my $pid = shift; (my $name = text("/proc/$pid/comm")) =~ s/[^\w.:-]//g; "process $pid ($name)" }
my (@order, %inode, %name, %why, %file, %place);
for (rows("chunk")) { my ($name, $inode, $made) = split /:/; push @order, $name; $inode{$name} = $inode;
  my ($device, $now, $mode, $owner, $size, $changed) = (lstat "$mounts/root/run/netns/$name")[0, 1, 2, 4, 7, 9];
  my $age = time - ($changed // 0);
  $file{$name} = 1 if defined $now && ($mode & 0170000) == 0100000 && !$owner && !$size && $device == (stat "$mounts/root/run/netns")[0];
  $why{$name} = !defined $now ? "its pin is gone" :
    !$file{$name} && $device != (stat "/proc/self/ns/net")[0] ? "its pin is neither a namespace nor an empty file of root" :
    !$file{$name} && ($now != $inode || $changed != $made) ? "its pin leads to another namespace by now" :
    # A file that was asked for; what is left of a namespace has another number, as all namespaces have high ones.
    $file{$name} && $inode < 0xF0000000 && ($now != $inode || $changed != $made) ? "its pin is another file by now" :
    $age < $settle ? "it was made $age seconds ago, and may belong to a pod that is being created" : undef;
  $place{"$device $now"} = $name if $file{$name};
  next if defined $why{$name} || $file{$name};
  # If both names of one namespace were requested, only one of them would be looked for.
  if (my $other = $name{$inode}) { $why{$name} = "it is pinned at /run/netns/$other as well"; $why{$other} //= "it is pinned at /run/netns/$name as well" }
  else { $name{$inode} = $name } }
sub refuse { my ($inode, $text) = @_; my $name = $name{$inode} // return; $why{$name} //= $text }
sub refuse_name { my ($name, $text) = @_; $why{$name} //= $text if exists $inode{$name} }
my %known = map { $_ => 1 } rows("known");
refuse_name($_, "a container of the runtime names it") for rows("named");
my %read;
my @kubelets = rows("kubelets");
for (rows("results")) { my ($name, $file, $container, $pod) = split /\t/; $read{$file} = 1;
  refuse_name($name, "the runtime still knows its sandbox $container") if $known{$container};
  refuse_name($name, "its pod $pod is still on the node") if grep { -d "$_/$pod" } @kubelets;
  refuse_name($name, "its pin is a plain file, and its plugins still have a result of it") if $file{$name} }
for (rows("cached")) { my ($file, $name) = split /\t/; refuse_name($name, "the cached result of its plugins cannot be read") if !$read{$file} }
my (%mounted, %groups);
# Returns false if it is gone.
sub nsfs { my ($file, $act) = @_; open my $lines, ref $file ? "<&" : "<", $file or do { return 0 if gone() || $!{EINVAL}; die "$file: $!\n" };
  $! = 0; my @lines = <$lines>; return 0 if !@lines || $!;
  for (@lines) { next if index($_, " - nsfs ") < 0; my @word = split / /;
    refuse_name($1, "its pin is a plain file here, and mounted elsewhere") if $word[4] =~ m{([^/]+)$} && $file{$1};
    $word[3] =~ /^net:\[(\d+)\]$/ or next; next if !exists $name{$1};
    my $inode = $1; my @groups; for (my $at = 6; $word[$at] ne "-"; $at++) { push @groups, $1 if $word[$at] =~ /^(?:shared|master):(\d+)$/ }
    $act->($inode, $word[4], @groups) }
  1 }
nsfs("$mounts/mountinfo", sub { my ($inode, $path, @group) = @_;
  $mounted{$inode} = 1; $groups{$inode}{$_} = 1 for @group;
  (my $shown = $path) =~ s/[^\w.:\/-]//g;
  refuse($inode, "it is pinned at $shown as well") if $path ne "/run/netns/$name{$inode}" }) or die "the mounts of the runtime cannot be read\n";
$mounted{$_} || refuse($_, "no mount of the node leads to it") for keys %name;
my $namespaces = (stat "/proc/self/ns/net")[0];
my (%seen, %socket, %partly);
my $own = target("$mounts/ns/mnt");
sub mounts_of { my ($pid, $file) = @_; nsfs($file, sub { my ($inode, $path, @group) = @_;
  refuse($inode, "it is mounted elsewhere as well, where " . who($pid) . " is") if !grep { $groups{$inode}{$_} } @group }) }
# Copies a descriptor of a thread, which may have a table of its own (PIDFD_THREAD, Linux 6.9; before, only the leader can be
# asked).
sub copy { my ($pid, $task, $number, $path) = @_;
  my $handle = syscall 434, $task + 0, $task == $pid ? 0 : 0x80;
  $handle = syscall 434, $pid + 0, 0 if $handle < 0 && (readlink "/proc/$pid/fd/$number" // "") eq $path;
  return if $handle < 0;
  open my $closing, "<&=", $handle or die "$!\n";
  my $copied = syscall 438, $handle, $number + 0, 0;
  return if $copied < 0;
  open my $socket, "+<&=", $copied or die "$!\n";
  (stat $socket)[1] == ($path =~ /(\d+)/)[0] ? $socket : undef }
each_of("/proc", sub { my $pid = shift; each_of("/proc/$pid/task", sub { my $task = shift; my $at = "/proc/$pid/task/$task";
  my ($net, $mnt, $root) = map { target("$at/$_") } "ns/net", "ns/mnt", "root";
  refuse($1, ($task == $pid ? "" : "a thread of ") . who($pid) . " is in it") if $net =~ /(\d+)/;
  # A process with another root sees only the mounts below that root.
  if ($mnt ne "" && $mnt ne $own && $root ne "" && !$seen{$mnt}{$root}) {
    $seen{$mnt}{$root} = 1 if mounts_of($pid, "$at/mountinfo");
    $partly{$mnt} = $task if $root ne "/" }
  each_of("$at/fd", sub { my $number = shift; my $path = target("$at/fd/$number");
    if ($path =~ /^net:\[(\d+)\]/) { refuse($1, who($pid) . " has it open") }
    elsif ($path =~ m{^/} && ($path eq "/" || $path =~ m{/netns/})) { my ($device, $inode) = stat "$at/fd/$number"; refuse($inode, who($pid) . " has it open") if $inode && $device == $namespaces;
      refuse_name($place{"$device $inode"} // "", who($pid) . " has its file open") if $inode }
    # Which namespace a socket belongs to: pidfd_open, pidfd_getfd (Linux 5.6), SIOCGSKNS.
    elsif ($path =~ /^socket:\[(\d+)/ && !$socket{$1}) { my $id = $1;
      my $socket = copy($pid, $task, $number, $path);
      if (!defined $socket) { my $why = "$!"; return if target("$at/fd/$number") ne $path; die "sockets of " . who($pid) . ": $why\n" }
      my $opened = ioctl $socket, 0x894C, 0;
      die "sockets of " . who($pid) . ": $!\n" if !defined $opened;
      open my $namespace, "<&=", $opened or die "$!\n";
      refuse((stat $namespace)[1], "a socket of " . who($pid) . " is of it");
      $socket{$id} = 1 } }) }) });
# setns(2) in a process of its own. It keeps the directory of /proc open, because the root changes.
chomp(my $machine = `uname -m`);
my $setns = {x86_64 => 308, aarch64 => 268}->{$machine};
for my $mnt (grep { !$seen{$_}{"/"} } keys %partly) { my $task = $partly{$mnt};
  open my $namespace, "<", "/proc/$task/ns/mnt" or do { next if gone(); die "mounts of " . who($task) . ": $!\n" };
  my $child = open my $rows, "-|"; defined $child or die "fork: $!\n";
  if (!$child) { opendir my $self, "/proc/$$" or exit 1;
    defined $setns && !syscall($setns, fileno $namespace, 0x20000) && chdir $self && open(my $lines, "<", "mountinfo") or exit 1;
    print <$lines>; exit 0 }
  mounts_of($task, $rows) && close $rows or die "not all mounts of " . who($task) . " can be read\n" }
print "$_\t", $why{$_} // "", "\t", $file{$_} ? "file" : "", "\n" for @order;
