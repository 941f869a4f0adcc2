#!/usr/bin/env bash
# Rekor v1: the transparency log that answers at once, over Trillian. Started by sigstore.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  go_install rekor-server github.com/sigstore/rekor v1.5.4 github.com/sigstore/rekor/cmd/rekor-server
  ;;
*) exit 2 ;;
esac
