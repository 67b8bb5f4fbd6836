(input_filename | split("/")[-2]) as $inode | .[]
| if .addr_info then select(.ifname != "lo") | .addr_info[] | select(.scope == "global") | "\($inode) address \(.local)"
  elif .dst == "default" and .gateway and .table == "main" then "\($inode) gateway \(.gateway)" +
    if .gateway[:4] == "fe80" then "%\(.dev)" | select(test("^[%A-Za-z0-9_.-]+$")) else "" end
  else empty end
