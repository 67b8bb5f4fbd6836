# For each file on stdin, prints its name and each distinct match of the argument in it. Files that are gone are skipped;
# a file that cannot be read ends the script.
my $pattern = qr/$ARGV[0]/;
while (defined(my $name = <STDIN>)) { chomp $name;
  open my $file, "<", $name or do { next if $!{ENOENT} || $!{ESRCH}; die "$name: $!\n" };
  local $/; local $! = 0;
  my $text = <$file>;
  die "$name: $!\n" if !defined $text && $!;
  my %seen;
  print "$name\t$_\n" for grep { !$seen{$_}++ } ($text // "") =~ /$pattern/g }
