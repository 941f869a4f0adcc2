#!/usr/bin/env bash
# Fulcio: the certificate authority of a Sigstore. Started by sigstore.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  go_install fulcio github.com/sigstore/fulcio v1.8.8 github.com/sigstore/fulcio
  ;;
*) exit 2 ;;
esac
