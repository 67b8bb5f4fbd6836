clock
times >b/cpu
echo "milliseconds=$(((now - begun) * 10))" >>b/meta
# A truncated file is left out, not shortened.
find b -type f -size +4095 | while read -r file; do rm "$file"; echo "${file#b/} too-large" >>b/dropped; done
pack() { tar -cf - -C b . | gzip -c >bundle.tar.gz; length=$(wc -c <bundle.tar.gz); }
pack
for drop in host/nft host/iptables-legacy host/ip6tables-legacy kernel/log host/descriptors errors; do
  [ "$length" -gt 4400000 ] || break
  [ -f "b/$drop" ] && rm "b/$drop" && echo "$drop bundle-too-large" >>b/dropped && pack
done
digest=$(sha256sum bundle.tar.gz)
base64 -w 4000 bundle.tar.gz
echo
echo "netns-audit-bundle length=$((length)) sha256=${digest%% *}"
rm -rf "$W"
