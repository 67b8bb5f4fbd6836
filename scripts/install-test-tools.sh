#!/bin/sh
# Puts what some tests need, helm, versitygw (a server that speaks S3), actionlint, promtool, checkov and cfn-guard (six
# minutes), into a directory (default: ~/.cache/netns-audit/bin) where the PATH has none, and prints what to set. It
# needs Go, Python and npm.
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
# AWS has the binary and the rules of Control Tower in this package.
command -v cfn-guard >/dev/null || [ -x "$directory/cfn-guard" ] || {
  npm install --silent --prefix "$directory/cfn-guard.npm" --legacy-peer-deps @cdklabs/cdk-validator-cfnguard@0.0.62 >&2
  case $(uname) in Darwin) system=macos ;; *) system=ubuntu ;; esac
  case $(uname -m) in arm64 | aarch64) machine=aarch64 ;; *) machine=x86_64 ;; esac
  ln -sf "cfn-guard.npm/node_modules/@cdklabs/cdk-validator-cfnguard/bin/$system/$machine/cfn-guard" "$directory/cfn-guard"
}
echo "export PATH=\$PATH:$directory"
