#!/usr/bin/env bash
# Tessera's fsck: reads a log of tiles whole, and compares it with its checkpoint.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_install fsck github.com/transparency-dev/tessera v1.0.4 github.com/transparency-dev/tessera/cmd/fsck ;;
*) exit 2 ;;
esac
