# Of each namespace of `chunk` its name, and why it must not be deleted: an empty why where everything says that nobody has it.
# What cannot be read ends it all: an unknown is no permission.
my ($mounts, $settle) = @ARGV;
sub rows { my $file = shift; open my $rows, "<", $file or die "$file: $!\n"; my @rows = <$rows>; chomp @rows; @rows }
sub gone { $!{ENOENT} || $!{ESRCH} }
sub target { my $link = shift; my $target = readlink $link; die "$link: $!\n" if !defined $target && !gone() && !$!{EINVAL}; $target // "" }
sub each_of { my ($directory, $act) = @_;
  opendir my $entries, $directory or do { return if gone(); die "$directory: $!\n" };
  while (defined(my $name = readdir $entries)) { $act->($name) if $name =~ /^[0-9]+$/ } }
sub text { open my $file, "<", $_[0] or return ""; sysread $file, my $text, 4096; $text // "" }
sub who { my $pid = shift; (my $name = text("/proc/$pid/comm")) =~ s/[^\w.:-]//g; "process $pid ($name)" }
my (@order, %inode, %name, %why);
for (rows("chunk")) { my ($name, $inode, $made) = split /:/; push @order, $name; $inode{$name} = $inode;
  my ($device, $now, $changed) = (stat "$mounts/root/run/netns/$name")[0, 1, 9];
  my $age = time - ($changed // 0);
  $why{$name} = !defined $now ? "its pin is gone" :
    $device != (stat "/proc/self/ns/net")[0] ? "its pin is a plain file" :
    $now != $inode || $changed != $made ? "its pin leads to another namespace by now" :
    $age < $settle ? "it was made $age seconds ago, and may belong to a pod that is being created" : undef;
  $name{$inode} = $name if !defined $why{$name} }
sub refuse { my ($inode, $text) = @_; my $name = $name{$inode} // return; $why{$name} //= $text }
sub refuse_name { my ($name, $text) = @_; $why{$name} //= $text if exists $inode{$name} }
my %known = map { $_ => 1 } rows("known");
refuse_name($_, "a sandbox of the runtime names it") for rows("named");
my %read;
for (rows("results")) { my ($name, $file, $container, $pod) = split /\t/; $read{$file} = 1;
  refuse_name($name, "the runtime still knows its sandbox $container") if $known{$container};
  refuse_name($name, "its pod $pod is still on the node") if -d "/proc/1/root/var/lib/kubelet/pods/$pod" }
for (rows("cached")) { my ($file, $name) = split /\t/; refuse_name($name, "the cached result of its plugins cannot be read") if !$read{$file} }
my (%mounted, %groups);
sub nsfs { my ($file, $act) = @_; open my $lines, "<", $file or do { return if gone() || $!{EINVAL}; die "$file: $!\n" };
  while (<$lines>) { next if index($_, " - nsfs ") < 0; my @word = split / /; $word[3] =~ /^net:\[(\d+)\]$/ or next; next if !exists $name{$1};
    my $inode = $1; my @groups; for (my $at = 6; $word[$at] ne "-"; $at++) { push @groups, $1 if $word[$at] =~ /^(?:shared|master):(\d+)$/ }
    $act->($inode, $word[4], @groups) } }
nsfs("$mounts/mountinfo", sub { my ($inode, $path, @group) = @_;
  $mounted{$inode} = 1; $groups{$inode}{$_} = 1 for @group;
  (my $shown = $path) =~ s/[^\w.:\/-]//g;
  refuse($inode, "it is pinned at $shown as well") if $path ne "/run/netns/$name{$inode}" });
$mounted{$_} || refuse($_, "no mount of the node leads to it") for keys %name;
my $namespaces = (stat "/proc/self/ns/net")[0];
my (%seen, %socket);
my $own = target("$mounts/ns/mnt");
each_of("/proc", sub { my $pid = shift; my $at = "/proc/$pid";
  my ($net, $mnt) = (target("$at/ns/net"), target("$at/ns/mnt"));
  refuse($1, who($pid) . " is in it") if $net =~ /(\d+)/;
  nsfs("$at/mountinfo", sub { my ($inode, $path, @group) = @_;
    refuse($inode, "it is mounted elsewhere as well, where " . who($pid) . " is") if !grep { $groups{$inode}{$_} } @group })
    if $mnt ne "" && $mnt ne $own && !$seen{$mnt}++;
  each_of("$at/task", sub { my $task = shift; refuse($1, "a thread of " . who($pid) . " is in it") if $task != $pid && target("$at/task/$task/ns/net") =~ /(\d+)/ });
  my $handle;
  each_of("$at/fd", sub { my $number = shift; my $path = target("$at/fd/$number");
    if ($path =~ /^net:\[(\d+)\]/) { refuse($1, who($pid) . " has it open") }
    elsif ($path =~ m{^/} && ($path eq "/" || $path =~ m{/netns/})) { my ($device, $inode) = stat "$at/fd/$number"; refuse($inode, who($pid) . " has it open") if $inode && $device == $namespaces }
    # Whose namespace a socket is of: pidfd_open, pidfd_getfd (Linux 5.6), SIOCGSKNS.
    elsif ($path =~ /^socket:\[(\d+)/ && !$socket{$1}++) {
      if (!defined $handle) { my $opened = syscall 434, $pid + 0, 0; if ($opened < 0) { return if gone() || $!{EINVAL}; die "sockets of " . who($pid) . ": $!\n" } open $handle, "<&=", $opened or die "$!\n" }
      my $copied = syscall 438, fileno $handle, $number + 0, 0;
      if ($copied < 0) { return if gone() || $!{EBADF}; die "sockets of " . who($pid) . ": $!\n" }
      open my $socket, "+<&=", $copied or die "$!\n";
      my $opened = ioctl $socket, 0x894C, 0;
      die "sockets of " . who($pid) . ": $!\n" if !defined $opened;
      open my $namespace, "<&=", $opened or die "$!\n";
      refuse((stat $namespace)[1], "a socket of " . who($pid) . " is of it") } }) });
print "$_\t", $why{$_} // "", "\n" for @order;
