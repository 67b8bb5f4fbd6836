{ net[$1] = $2 }
END { while ((getline line < resolv) > 0) if (match(line, /:nameserver /)) { split(line, part, "/"); server = substr(line, RSTART + RLENGTH)
    sub(/[ \t].*/, "", server); if ((part[3] in net) && !(net[part[3]] in dns) && server ~ /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/) dns[net[part[3]]] = server }
  while ((getline line < found) > 0) { split(line, word, " "); value[word[1], word[2]] = value[word[1], word[2]] "," word[3]; all[word[1]] = 1 }
  for (inode in all) printf "%s\t-%s\t-%s\t%s\n", inode, value[inode, "address"], value[inode, "gateway"], (inode in dns) ? dns[inode] : "-" }
