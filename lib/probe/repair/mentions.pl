# Of each file on stdin its name and what matches the argument in it, each once. One that is gone has none; what cannot be read ends it all.
my $pattern = qr/$ARGV[0]/;
while (defined(my $name = <STDIN>)) { chomp $name;
  open my $file, "<", $name or do { next if $!{ENOENT} || $!{ESRCH}; die "$name: $!\n" };
  local $/; local $! = 0;
  my $text = <$file>;
  die "$name: $!\n" if !defined $text && $!;
  my %seen;
  print "$name\t$_\n" for grep { !$seen{$_}++ } ($text // "") =~ /$pattern/g }
