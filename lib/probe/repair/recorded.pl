# For each requested record of host-local (NETWORK:ADDRESS:CONTAINER in `leaked`), prints its name and why it must stay; the
# reason is empty if no program knows its container. With the argument `free` it removes the others under host-local's
# own lock, and checks that they are gone. `networks`, `known`, `holders` (the CONTAINER of a cached result), `used` and
# `inside` (file or place, address) have just been read.
my ($settle, $free) = @ARGV;
sub rows { my $file = shift; open my $rows, "<", $file or die "$file: $!\n"; my @rows = <$rows>; chomp @rows; @rows }
my %network = map { (split m{/})[-1] => $_ } rows("networks");
my %known = map { $_ => 1 } rows("known");
my %holders = map { $_ => 1 } rows("holders");
my %used = map { my ($where, $address) = split /\t/; lc $address => $where } rows("inside"), rows("used");
# The lock is held until the end. Returns why it could not be taken within some seconds.
my %lock;
sub whyNotLocked { my $path = shift; $lock{$path} //= do {
  my $tries = 50;
  if (!open my $lock, "<", "$path/lock") { {why => "host-local has no lock there: $!"} }
  else { until (flock $lock, 6) { last if !$tries--; select undef, undef, undef, 0.1 }
    $tries < 0 ? {why => "somebody holds the lock of host-local"} : {held => $lock} } };
  $lock{$path}{why} }
for (rows("leaked")) {
  my ($name, $address, $container) = /^([^:]+):(.+):([0-9a-f]{64})$/ or die "$_\n";
  my $shown = "$name/$address";
  my $refuse = sub { print "$shown\t$_[0]\n" };
  my $path = $network{$name} // do { $refuse->("no network of the runtime has that name"); next };
  if (my $why = whyNotLocked($path)) { $refuse->($why); next }
  my ($inode, $mode, $changed) = (lstat "$path/$address")[1, 2, 9];
  if (!defined $inode) { $refuse->("it is gone"); next }
  if (($mode & 0170000) != 0100000) { $refuse->("it is not a file"); next }
  open my $record, "<", "$path/$address" or die "$path/$address: $!\n";
  (my $owner = <$record> // "") =~ s/\s+$//;
  my $age = time - $changed;
  (my $where = $used{lc $address} // "") =~ s{/proc/1/root/}{/};
  if ($owner ne $container) { $refuse->("it belongs to another container by now") }
  elsif ($known{$container}) { $refuse->("the runtime still knows its container") }
  elsif ($holders{$container}) { $refuse->("its plugins still have a result of its container: CNI DEL frees it") }
  elsif ($where ne "") { $refuse->("$where has the address") }
  elsif ($age < $settle) { $refuse->("it was written $age seconds ago, and may be of a pod that is being created") }
  elsif ($free && !unlink "$path/$address") { print "$shown\tfailed: $!\n" }
  elsif ($free && lstat "$path/$address") { print "$shown\tfailed: it is still there\n" }
  else { print "$shown\t\n" }
}
