#!/bin/sh
# Starts the program on the Node.js beside it, from wherever this file is linked to, as krew does.
file=$0
while [ -L "$file" ]; do
  link=$(readlink "$file")
  case $link in
    /*) file=$link ;;
    *) file=$(dirname "$file")/$link ;;
  esac
done
folder=$(cd -P "$(dirname "$file")" && pwd) || exit
exec "$folder/node/bin/node" "$folder/program/bin/netns-audit.js" "$@"
