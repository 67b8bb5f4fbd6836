{ gsub(/\047/, "") }
# Paths of open files may contain line ends, and so any lines that a container likes.
$1 !~ /^\/proc\/[0-9]+\/fd\/[0-9]+$/ { next }
{ split($1, part, "/")
  if ($3 ~ /^net:\[[0-9]+\]$/) printf "%s\t%s\t%s\n", part[3], part[5], substr($3, 6, length($3) - 6)
  else if (index($3, "socket:[") == 1) print part[3], substr($3, 9, length($3) - 9) > sockets
  else if ($3 == "/" || $3 ~ /\/netns\//) print $1 > pinned }
