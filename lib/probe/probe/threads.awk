{ split($2, part, "/"); pid = part[3]; task = part[5]; if (pid == task) leader[pid] = $1; else other[pid, task] = $1
  file = "/proc/" pid "/task/" task "/stat"; line = ""; while ((getline more < file) > 0) line = line " " more; close(file)
  if (match(line, /\) D [^)]*$/)) print pid, task > blocked }
END { for (key in other) { split(key, part, SUBSEP)
  if (other[key] != leader[part[1]]) printf "%s\t%s\t%s\n", part[1], part[2], other[key] } }
