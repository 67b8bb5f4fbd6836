# Deletes the link with this number (RTM_DELLINK), because names may be given to other links meanwhile. Its other end
# disappears with it.
my ($index) = @ARGV;
socket my $netlink, 16, 3, 0 or die "netlink: $!\n";
send $netlink, pack("L S S L L C x S l L L", 32, 17, 5, 1, 0, 0, 0, $index, 0, 0), 0 or die "netlink: $!\n";
recv $netlink, my $answer, 4096, 0;
my ($type, $code) = unpack "x4 S x10 l", $answer;
die "netlink: no answer\n" if ($type // 0) != 2;
$! = -$code; die "$!\n" if $code;
