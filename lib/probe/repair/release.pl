# Frees addresses that no plugin was asked to give back. Each line on stdin has the namespace, the address, and whether to
# free it. It removes host-local's record, under host-local's own lock, if the container of a pod has it that the runtime
# does not know, for longer than the settle time. It prints namespace and file of each such record that stays.
my ($settle) = @ARGV;
sub rows { my $file = shift; open my $rows, "<", $file or die "$file: $!\n"; my @rows = <$rows>; chomp @rows; @rows }
my %known = map { $_ => 1 } rows("known");
my @addresses = <STDIN>;
chomp @addresses;
for my $network (rows("networks")) {
  open my $lock, "<", "$network/lock" or do { next if $!{ENOENT}; die "$network/lock: $!\n" };
  flock $lock, 2 or die "$network/lock: $!\n";
  for (@addresses) {
    my ($name, $address, $free) = split / /;
    my $file = "$network/$address";
    open my $record, "<", $file or do { next if $!{ENOENT}; die "$file: $!\n" };
    my $age = time - (stat $record)[9];
    (my $container = <$record> // "") =~ s/\s+$//;
    next if $container !~ /^[0-9a-f]{64}$/ || $known{$container};
    if ($free && $age >= $settle) { unlink $file or die "$file: $!\n" } else { print "$name $file\n" }
  }
}
