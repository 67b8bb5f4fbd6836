# Ends before this job's time limit, as nothing else would end it.
alarm 9;
sub text { open my $file, "<", $_[0] or return ""; sysread $file, my $text, 65536; $text // "" }
# One at a time: a process may have a million descriptors.
sub each_of { my ($directory, $act) = @_;
  opendir my $entries, $directory or return;
  while (defined(my $name = readdir $entries)) { $act->($name) if $name =~ /^[0-9]/ } }
sub inode { (readlink $_[0] // "") =~ /(\d+)/ ? $1 : "" }
$SIG{XFSZ} = "IGNORE";
sub keep { my ($path, $text) = @_; open my $file, ">", "walked" or die; print $file $text and close $file and rename "walked", $path or die }
my ($processes, $threads, $blocked, $sockets, $descriptors, @doubtful) = ("", "", "", "", "");
each_of("/proc", sub { my $pid = shift; my $at = "/proc/$pid";
  my @inodes = map inode("$at/ns/$_"), "net", "pid", "mnt";
  my $stat = text("$at/stat");
  $stat =~ /\((.*)\) ([^)]*)$/s or return;
  my ($command, @field) = ($1, split / /, $2);
  if ("@inodes" ne "  " and $field[0] =~ /^[^ZX]/ and $field[0] eq "D" || $pid != 2 && $field[1] != 2) {
    my $cgroup = "";
    for (split /\n/, text("$at/cgroup")) { s/^[^:]*:[^:]*://; $cgroup = $_ if length > length $cgroup }
    tr/\t\n/ / for $command, $cgroup;
    $processes .= join("\t", $pid, @inodes, $field[0], $field[19], $cgroup, $command) . "\n" }
  each_of("$at/task", sub { my $task = shift;
    my $own = $task == $pid ? $inodes[0] : inode("$at/task/$task/ns/net");
    $threads .= "$pid\t$task\t$own\n" if $own ne $inodes[0] and $own ne "";
    $blocked .= "$pid $task\n" if ($task == $pid ? $stat : text("$at/task/$task/stat")) =~ /\) D [^)]*$/ });
  each_of("$at/fd", sub { my $number = shift; my $path = readlink "$at/fd/$number" or return;
    if ($path =~ /^socket:\[(\d+)/) { $sockets .= "$pid $1\n" }
    elsif ($path =~ /^net:\[(\d+)\]\z/) { $descriptors .= "$pid\t$number\t$1\n" }
    elsif ($path eq "/" or $path =~ m{/netns/}) { push @doubtful, [$pid, $number] } }) });
$processes =~ /^1\t/m or die;
keep("b/host/processes", $processes);
keep("blocked", $blocked);
keep("b/host/threads", $threads);
# May wait for a file system that does not answer.
my $nsfs = (stat "/proc/self/ns/net")[0];
for (@doubtful) { my ($pid, $number) = @$_; my ($device, $inode) = stat "/proc/$pid/fd/$number";
  $descriptors .= "$pid\t$number\t$inode\n" if $inode and $device == $nsfs }
keep("b/host/descriptors", $descriptors);
# Last, as sockets may be the most numerous: without this file, only suspects are missing.
keep("sockets", $sockets)
