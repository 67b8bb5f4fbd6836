# What the kernel would do with packets of pods and for them, asked without sending one: RTM_GETROUTE (26) in the node's namespace, as
# `ip route get TO from FROM iif LINK` does. `b/host/routing` has each question and its answer (RTM_NEWROUTE 24), and NLMSG_DONE (3)
# once all are asked. RTA_DST 1, SRC 2, IIF 3, OIF 4, GATEWAY 5, PREFSRC 7; 4096 is RTM_F_LOOKUP_TABLE. Addresses outside are public ones.
my (@ways, $asked, $conversation, $finished);
# Lines NAMESPACE LINK, then packets, errors and drops, of each what came in and what went out, and changes of the carrier.
my $counters = "";
my %outside = (2 => pack("C4", 8, 8, 8, 8), 10 => pack("n8", 0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888));
# attributes(ALL, AT, END): those that are used here; a link alone has some forty.
my %used = map { $_ => 1 } 1 .. 5, 7, 10, 18, 23, 35, 37;
sub attributes { my ($at, $end, %found) = ($_[1], $_[2]);
  while ($at + 4 <= $end) { my ($length, $type) = unpack "SS", substr $_[0], $at, 4;
    last if $length < 4;
    $found{$type & 0x3fff} = substr $_[0], $at + 4, $length - 4 if $used{$type & 0x3fff};
    $at += $length + 3 & ~3 }
  %found }
# messages(ALL, TYPE, FIXED, CODE): calls CODE with the fixed part and the attributes of each message of that type.
sub messages { my (undef, $type, $fixed, $code) = @_;
  for (my $at = 0; $at + 16 <= length $_[0];) { my ($length, $kind) = unpack "LS", substr $_[0], $at, 6;
    last if $length < 16;
    $code->(substr($_[0], $at + 16, $fixed), attributes($_[0], $at + 16 + $fixed, $at + $length)) if $kind == $type;
    $at += $length + 3 & ~3 } }
# counted(NAMESPACE, LINK): notes the counters (IFLA_STATS64 23, IFNAME 3, CARRIER_CHANGES 35) of a link whose other end is in another
# namespace (IFLA_LINK_NETNSID 37).
sub counted { my ($namespace, %is) = @_;
  $counters .= join("\t", $namespace, unpack("Z*", $is{3}), (unpack "Q8", $is{23})[0, 1, 4 .. 7], unpack "L", $is{35}) . "\n"
    if $is{37} and $is{23} and $is{35} and length $counters < 1e6 }
# pod(NAMESPACE, LINKS, ADDRESSES): notes each global address of a link whose other end (IFLA_LINK 5) is in another namespace.
sub pod { my ($namespace, $links, $addresses, %end) = @_;
  messages($links, 16, 16, sub { my ($head, %is) = @_;
    $end{unpack "x4L", $head} = unpack "L", $is{5} if $is{5} and $is{37};
    counted($namespace, %is) });
  messages($addresses, 20, 8, sub { my ($head, %is) = @_; my ($family, $scope, $link) = unpack "Cx2CL", $head;
    push @ways, [$family, $is{2} || $is{1}, $end{$link}] if !$scope and $end{$link} and ($is{2} || $is{1}) and @ways < 1000 }) }
sub question { my ($family, $to, $from, $link) = @_;
  my ($bits, $size) = (8 * length $to, 4 + length $to);
  my $body = pack("CCCx5L", $family, $bits, $from ? $bits : 0, 4096) . pack("SS", $size, 1) . $to;
  $body .= pack("SS", $size, 2) . $from if $from;
  $body .= pack("SSL", 8, 3, $link) if $link;
  pack("LSSLL", 16 + length $body, 26, 1, ++$asked, 0) . $body }
sub converse { my ($socket, @questions) = @_;
  send $socket, join("", @questions), 0 or die;
  my $answer = "";
  for (@questions) { defined recv $socket, $answer, 8192, 0 or die; $conversation .= $_ . $answer }
  $answer }
# listed(TYPE, SEQUENCE, BODY): a list of the node's namespace. Where pods come and go it changes while it is read: it is asked for again.
sub listed { my $all;
  for (1 .. 5) { eval { socket my $socket, 16, 3, 0 or die; $all = ask($socket, $_[0], 769, $_[1], $_[2]); 1 } and return $all }
  die }
# forwarding(): RTM_GETNEIGH (30) of family 7, which is AF_BRIDGE: where bridges and tunnels of the node send frames for a MAC address.
sub forwarding { keep("b/host/forwarding", listed(30, 1, pack "Cx11", 7)) }
# policies(): XFRM_MSG_GETPOLICY (21) of NETLINK_XFRM (6): whose packets IPsec takes or drops; keys are in states, which are not asked
# for. A socket of that kind would load its module: without one of the kernel's own (port 0) there is nothing to ask.
sub policies {
  my $found = pack "LSSLLL", 20, 3, 0, 0, 0, 0;
  if (grep { /^\S+\s+6\s+0\s/ } numbers("netlink")) { socket my $socket, 16, 3, 6 or die; $found = ask($socket, 21, 769, 1, pack "x64") }
  keep("b/host/xfrm", $found) }
# programs(): RTM_GETQDISC (38; NEWQDISC 36) of all links of the node, and GETTFILTER (46) where packets come in (TC_H_MIN_INGRESS) and
# go out of those that have a place for filters. TCA_KIND 1.
sub programs {
  socket my $socket, 16, 3, 0 or die;
  my $found = listed(38, 1, pack "x20");
  my @links;
  messages($found, 36, 20, sub { my ($head, %is) = @_; push @links, unpack "x4L", $head if $is{1} =~ /^(clsact|ingress)/ and @links < 500 });
  for my $link (@links) { $found .= ask($socket, 46, 769, 2, pack "x4LLLL", $link, 0, $_, 0) for 0xfffffff2, 0xfffffff3 }
  keep("b/host/programs", $found) }
# attached(LINK, KIND): programs that stand on a link of the node without a filter, as agents attach them since Linux 6.6: BPF_PROG_QUERY
# (16) for tcx (46 in, 47 out) or netkit (55: what the pod sends, 54), BPF_PROG_GET_FD_BY_ID (13), BPF_OBJ_GET_INFO_BY_FD (15). Older
# kernels have none of them (EINVAL 22). A link that the kernel says nothing about has no line.
my ($attached, $bpf) = ("", {308 => 321, 268 => 280}->{$ARGV[0]});
sub attached { my ($link, $kind) = @_;
  my @places;
  for my $type (-1 < index($kind || "", "netkit") ? (55, 54) : (46, 47)) {
    my $ids = "\0" x 256;
    my $query = pack "LLLLQLx4QQQQ", $link, $type, 0, 0, unpack("Q", pack "p", $ids), 64, 0, 0, 0, 0;
    if (syscall $bpf, 16, $query, length $query) { $! == 22 or die; push @places, ""; next }
    push @places, join ",", map { my $asked = pack "Lx8", $_;
      my $program = syscall $bpf, 13, $asked, length $asked;
      die if $program < 0;
      open my $file, "<&=", $program or die;
      my $info = "\0" x 80;
      my $wanted = pack "LLQ", $program, 80, unpack "Q", pack "p", $info;
      die if syscall $bpf, 15, $wanted, length $wanted;
      unpack("x64Z16", $info) || "?" } unpack "L" . unpack("x24L", $query), $ids }
  $attached .= join("\t", $link, @places) . "\n" if length $attached < 1e6 }
# routing(SETNS, HOST): asks for all that pod() noted, once. A bridge is what the node sees packets of its ports come in by.
sub routing { my ($setns, $host) = @_;
  return if $finished++;
  eval {
    !syscall $setns, fileno $host, 0x40000000 or die;
    eval { programs() };
    eval { forwarding() };
    eval { policies() };
    socket my $socket, 16, 3, 0 or die;
    my (%bridge, %out, %elsewhere, %before);
    # IFLA_MASTER 10; a VRF is one as well.
    messages(listed(18, 1, pack "x16SSL", 8, 29, 0), 16, 16, sub { my ($head, %is) = @_;
      counted("host", %is);
      eval { attached(unpack("x4L", $head), $is{18}) };
      $bridge{unpack "x4L", $head} = unpack "L", $is{10} if $is{10} and -1 < index $is{18}, "bridge" }) if @ways;
    eval { keep("b/host/counters", $counters . "end\n"); keep("b/host/attached", $attached . "end\n") } if @ways;
    for my $family (2, 10) {
      next unless grep { $$_[0] == $family } @ways;
      messages(converse($socket, question($family, $outside{$family})), 24, 12, sub { my (undef, %is) = @_; $out{$family} = \%is });
      # Networks behind other nodes, as the main table has them (254; 1 is RTN_UNICAST). A node may have too many routes to look at.
      eval { messages(listed(26, 2, pack "Cx11", $family), 24, 12, sub { my ($head, %is) = @_;
        my ($length, $table, $type) = unpack "xCx2Cx2C", $head;
        return if $table != 254 or $type != 1 or $length < 8 or !$is{5} or !$is{1} or $length >= 8 * length $is{1} or @{$elsewhere{$family} || []} > 63;
        my $first = $is{1};
        substr $first, -1, 1, chr(1 | ord substr $first, -1);
        push @{$elsewhere{$family}}, $first }) };
      converse($socket, map { question($family, $_) } @{$elsewhere{$family}}) if $elsewhere{$family} }
    for (@ways) { my ($family, $address, $link) = @$_;
      my %is = %{$out{$family} || {}};
      my @towards = ($outside{$family}, $is{7}, $before{$family}, @{$elsewhere{$family} || []}[0, 1]);
      $before{$family} = $address;
      # Answers of the node have its address, which a rule may be about.
      converse($socket, question($family, $address), ($is{7} ? question($family, $address, $is{7}) : ()),
        ($is{5} && $is{4} ? question($family, $address, $is{5}, unpack "L", $is{4}) : ()),
        map { question($family, $_, $address, $bridge{$link} || $link) } grep { $_ } @towards) }
    keep("b/host/routing", $conversation . pack "LSSLLL", 20, 3, 0, 0, 0, 0) } }
