#!/bin/sh
# Puts what some tests need, helm, versitygw (a server that speaks S3), actionlint, promtool and checkov (six minutes), into a directory
# (default: ~/.cache/netns-audit/bin) where the PATH has none, and prints what to set. It needs Go and Python.
set -eu
directory=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/netns-audit/bin}
for tool in helm.sh/helm/v3/cmd/helm@v3.22.0 github.com/versity/versitygw/cmd/versitygw@v1.8.0 \
  github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 github.com/prometheus/prometheus/cmd/promtool@v0.316.0; do
  name=${tool%@*}
  name=${name##*/}
  command -v "$name" >/dev/null || [ -x "$directory/$name" ] || GOBIN=$directory go install "$tool" >&2
done
# In an environment of its own: it pins versions that others need newer.
command -v checkov >/dev/null || [ -x "$directory/checkov" ] || {
  python3 -m venv "$directory/checkov.venv"
  "$directory/checkov.venv/bin/pip" install -q checkov==3.3.30 >&2
  ln -sf checkov.venv/bin/checkov "$directory/checkov"
}
echo "export PATH=\$PATH:$directory"
