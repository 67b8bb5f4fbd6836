BEGIN { while ((getline line < sandboxes) > 0) { split(line, part, "\t"); listed[part[3]] = 1 }
  while ((getline line < paths) > 0) { sub(/"$/, "", line); sub(/.*\//, "", line); named[line] = 1 }
  while ((getline line < list) > 0) { split(line, part, "\t"); if (part[1] in listed) owned[part[2]] = 1; if (!(part[2] in pid)) pid[part[2]] = part[1] } }
$1 != host { line = "stack " $1 " netns/" $1 " " $2 " " (($1 in pid) ? pid[$1] : "-") " " $3; name = $3; sub(/.*\//, "", name)
  if (($1 in owned) || ($2 == "pin" && (name in named))) print line; else if (count < most) other[++count] = line " leaked"; else more = 1 }
END { for (i = 1; i <= count; i++) print other[i]; if (more) print "stacks skipped 0" }
