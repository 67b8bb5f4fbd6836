echo "end $count"
rm -rf "$W"
