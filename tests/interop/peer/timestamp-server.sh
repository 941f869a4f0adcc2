#!/usr/bin/env bash
# Sigstore's timestamp authority (RFC 3161). Started by sigstore.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  go_install timestamp-server github.com/sigstore/timestamp-authority/v2 v2.1.3 \
    github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server
  ;;
*) exit 2 ;;
esac
