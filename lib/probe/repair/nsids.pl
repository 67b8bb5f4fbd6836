# For each namespace on stdin, prints its name and the number that the node's own namespace has for it (RTM_GETNSID), or -1
# if it has none. A namespace that cannot be asked about ends the script.
my ($mounts) = @ARGV;
socket my $netlink, 16, 3, 0 or die "netlink: $!\n";
while (defined(my $name = <STDIN>)) { chomp $name;
  open my $pin, "<", "$mounts/root/run/netns/$name" or die "$name: $!\n";
  send $netlink, pack("L S S L L C x3 S S L", 28, 90, 1, 1, 0, 0, 8, 3, fileno $pin), 0 or die "netlink: $!\n";
  recv $netlink, my $answer, 4096, 0;
  my ($type, $family, $length, $attribute, $id) = unpack "x4 S x10 C x3 S S l", $answer;
  die "the number of $name is not told\n" if ($type // 0) != 88 || ($attribute // 0) != 1;
  print "$name $id\n" }
