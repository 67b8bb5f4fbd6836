{ pid[NR] = $1; socket[NR] = $2; has[$1] = 1 }
END { while ((getline line < list) > 0) { split(line, part, "\t"); if (!(part[1] in has) || part[4] == ours) continue
    net[part[1]] = part[2]; command[part[1]] = part[8]; if (!(part[2] in first)) first[part[2]] = part[1] }
  count = split("tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 packet unix netlink sctp/eps", table, " ")
  for (inode in first) for (i = 1; i <= count; i++) { file = "/proc/" first[inode] "/net/" table[i]
    while ((getline line < file) > 0) { m = split(line, word, " "); for (j = 1; j <= m; j++) if (word[j] ~ /^[0-9][0-9][0-9]+$/) own[inode, word[j]] = 1 }
    close(file) }
  for (i = 1; i <= NR; i++) if ((pid[i] in net) && !((net[pid[i]], socket[i]) in own)) { held[pid[i]]++; print pid[i], socket[i] > foreign }
  for (one in held) printf "%s\t%s\t%s\n", one, held[one], command[one] }
