#!/bin/sh
# Puts helm and versitygw (a server that speaks S3), which some tests need, into a directory (default:
# ~/.cache/netns-audit/bin) where the PATH has none, and prints what to set. It needs Go.
set -eu
directory=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/netns-audit/bin}
for tool in helm.sh/helm/v3/cmd/helm@v3.22.0 github.com/versity/versitygw/cmd/versitygw@v1.8.0; do
  name=${tool%@*}
  name=${name##*/}
  command -v "$name" >/dev/null || [ -x "$directory/$name" ] || GOBIN=$directory go install "$tool" >&2
done
echo "export PATH=\$PATH:$directory"
