# Frees addresses that no plugin was asked to give back: each record of host-local for one of those on stdin, if the runtime does not know
# its container and it is older than the settle time; under the lock that host-local itself takes.
my ($settle) = @ARGV;
sub rows { my $file = shift; open my $rows, "<", $file or die "$file: $!\n"; my @rows = <$rows>; chomp @rows; @rows }
my %known = map { $_ => 1 } rows("known");
my @addresses = <STDIN>;
chomp @addresses;
for my $network (rows("networks")) {
  open my $lock, "<", "$network/lock" or next;
  flock $lock, 2 or die "$network/lock: $!\n";
  for (@addresses) {
    my $file = "$network/$_";
    my $changed = (stat $file)[9] // next;
    next if time - $changed < $settle;
    open my $record, "<", $file or next;
    (my $container = <$record> // "") =~ s/\s+$//;
    unlink $file or die "$file: $!\n" if $container =~ /^[\w.-]+$/ && !$known{$container};
  }
}
