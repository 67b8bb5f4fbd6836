BEGIN { while ((getline line < processes) > 0) { split(line, w, "\t"); mounts[w[1]] = w[4] }
  while ((getline line < own) > 0) { split(line, w, " "); there[w[4]] = 1 } }
{ while ((getline line < $0) > 0) if (index(line, " - nsfs ") && index(line, " net:[")) {
    split(line, w, " "); peers = ""
    for (k = 7; w[k] != "-"; k++) peers = peers " " w[k]
    if (!index(peers, "master:") || !(w[4] in there)) printf "%s\t%s\t0 0 0 %s %s 0%s - nsfs\n", $3, mounts[$3], w[4], w[5], peers }
  close($0) }
