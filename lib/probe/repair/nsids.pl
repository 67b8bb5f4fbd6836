# Of each namespace on stdin its name and the number that the node's own has for it, -1 where it has none (RTM_GETNSID). What
# cannot be asked ends it all.
my ($mounts) = @ARGV;
socket my $netlink, 16, 3, 0 or die "netlink: $!\n";
while (defined(my $name = <STDIN>)) { chomp $name;
  open my $pin, "<", "$mounts/root/run/netns/$name" or die "$name: $!\n";
  send $netlink, pack("L S S L L C x3 S S L", 28, 90, 1, 1, 0, 0, 8, 3, fileno $pin), 0 or die "netlink: $!\n";
  recv $netlink, my $answer, 4096, 0;
  my ($type, $family, $length, $attribute, $id) = unpack "x4 S x10 C x3 S S l", $answer;
  die "the number of $name is not told\n" if ($type // 0) != 88 || ($attribute // 0) != 1;
  print "$name $id\n" }
