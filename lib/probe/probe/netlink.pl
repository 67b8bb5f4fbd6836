# perl has no names for these: RTM_GETLINK 18 (29: IFLA_EXT_MASK, with 8 without statistics), GETADDR 22, GETROUTE 26, GETNEIGH 30,
# GETRULE 34 (families 2 and 10), GETQDISC 38 and GETTFILTER 46 as in routing.pl, GETNSID 90 (3: NETNSA_FD), NFT_MSG_GETTABLE 2561; 769 asks for a list, 1 for one answer; NLMSG_ERROR 2
# and NLMSG_DONE 3 end it, 16 is NLM_F_DUMP_INTR; 16 and 3 open AF_NETLINK (0: routes, 12: netfilter); O_NONBLOCK 2048, CLONE_NEWNET.
# Whatever is left out with a second argument, the ways of packets are asked for.
my ($setns, $only) = @ARGV;
# Ends before this job's time limit: the next jobs read the rest.
alarm 9;
# A file that grows too large affects only one namespace.
$SIG{XFSZ} = "IGNORE";
sub ask { my ($socket, $type, $flags, $sequence, $body) = @_;
  send $socket, pack("LSSLL", 16 + length $body, $type, $flags, $sequence, 0) . $body, 0 or die;
  for (my $all = "";;) {
    defined recv $socket, my $part, 65536, 0 or die;
    $all .= $part;
    die if length $all > 4e6;
    for (my $at = 0; $at < length $part;) { my ($length, $kind, $marks) = unpack "LSS", substr $part, $at;
      # An interrupted dump may be incomplete.
      die if $length < 16 or $marks & 16;
      return $all if $kind == 2 or $kind == 3 or $flags == 1;
      $at += $length + 3 & ~3 } } }
sub keep { open my $file, ">", "part" or die; print $file $_[1] and close $file and rename "part", $_[0] or die }
sub numbers { open my $file, "<", "/proc/self/net/$_[0]" or return (); <$file> }
sub sysctl { open my $file, "<", "/proc/sys/$_[0]" or return (); <$file> }
open my $host, "<", "/proc/1/ns/net" or exit;
# Without the module nobody has a policy, and a socket would load it.
my $ipsec = grep { /^\S+\s+6\s+0\s/ } numbers("netlink");
# Empty until the ways of all pods are known.
eval { keep("b/host/routing", "") };
while (<STDIN>) { chomp; my (undef, $inode, $directory, undef, undef, $path, $leaked) = split / /;
  # Pods first: namespaces without an owner may be thousands.
  routing($setns, $host) if $leaked;
  eval {
    # Does not wait if the name has become a pipe.
    (stat $path)[1] == $inode and sysopen my $own, $path, 2048 or die;
    (stat $own)[1] == $inode and !syscall $setns, fileno $own, 0x40000000 or die;
    socket my $route, 16, 3, 0 or die;
    my $links = ask($route, 18, 769, 1, pack "x16SSL", 8, 29, $leaked ? 8 : 0);
    my $addresses = ask($route, 22, 769, 2, pack "x8");
    my $answers = $links . $addresses;
    $answers .= ask($route, @$_) for [26, 769, 3, pack "x12"], [30, 769, 4, pack "x12"],
      [34, 769, 5, pack "Cx11", 2], [34, 769, 6, pack "Cx11", 10], [90, 769, 7, pack "x4"],
      [90, 1, 8, pack "x4SSL", 8, 3, fileno $host];
    unless ($leaked) { pod($inode, $links, $addresses);
      # Filters, of which a pod's links hardly ever have any: where they would stand is asked first.
      my ($queues, @links) = ask($route, 38, 769, 9, pack "x20");
      messages($queues, 36, 20, sub { my ($head, %is) = @_; push @links, unpack "x4L", $head if $is{1} =~ /^(clsact|ingress)/ and @links < 8 });
      $answers .= $queues;
      for my $link (@links) { $answers .= ask($route, 46, 769, 10, pack "x4LLLL", $link, 0, $_, 0) for 0xfffffff2, 0xfffffff3 } }
    # Of the namespace that this process is in; hardly any pod changes it.
    unless ($leaked) { my $ttl = (sysctl("net/ipv4/ip_default_ttl"))[0]; keep("b/$directory/ttl", $ttl) if defined $ttl and $ttl ne "64\n" }
    # Policies of IPsec, as policies() in routing.pl asks for the node's; XFRM_MSG_NEWPOLICY is 19.
    if ($ipsec and !$leaked and socket my $xfrm, 16, 3, 6) { my $found = ask($xfrm, 21, 769, 11, pack "x64"); keep("b/$directory/xfrm", $found) if (unpack "LS", $found)[1] == 19 }
    return if $only;
    keep("b/$directory/netlink", $answers);
    my @tracked = numbers("stat/nf_conntrack");
    keep("b/$directory/conntrack", hex((split / /, $tracked[1])[0]) . "\n") if @tracked > 1;
    socket my $filter, 16, 3, 12 or die;
    my $tables = ask($filter, 2561, 769, 1, pack "x4");
    keep("b/$directory/nft", "") if (unpack "LS", $tables)[1] == 3 and !numbers("ip_tables_names") and !numbers("ip6_tables_names") } }
routing($setns, $host);
