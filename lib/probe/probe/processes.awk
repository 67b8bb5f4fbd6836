{ split($2, part, "/"); pid = part[3]; inode[pid, part[5]] = $1; if (!(pid in seen)) { seen[pid] = 1; order[++count] = pid } }
END { for (i = 1; i <= count; i++) {
  pid = order[i]; file = "/proc/" pid "/stat"; line = ""; while ((getline more < file) > 0) line = line " " more; close(file)
  if (!match(line, /\)[^)]*$/)) continue
  open = index(line, "("); command = substr(line, open + 1, RSTART - open - 1); split(substr(line, RSTART + 2), field, " ")
  if (((pid == 2 || field[2] == 2) && field[1] != "D") || field[1] == "Z" || field[1] == "X") continue
  file = "/proc/" pid "/cgroup"; cgroup = ""
  while ((getline line < file) > 0) { sub(/^[^:]*:[^:]*:/, "", line); if (length(line) > length(cgroup)) cgroup = line }
  close(file); gsub(/\t/, " ", command); gsub(/\t/, " ", cgroup)
  printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", pid, inode[pid, "net"], inode[pid, "pid"], inode[pid, "mnt"], field[1], field[20], cgroup, command
} }
