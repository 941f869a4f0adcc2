#!/usr/bin/env bash
# Rekor v2: the transparency log of tiles, here in a folder. Started by sigstore.sh. The program is called `posix`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  go_install posix github.com/sigstore/rekor-tiles/v2 v2.3.0 github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix
  ;;
*) exit 2 ;;
esac
