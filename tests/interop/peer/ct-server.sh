#!/usr/bin/env bash
# The certificate transparency log's front end, over Trillian. Started by sigstore.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  go_install ct_server github.com/google/certificate-transparency-go v1.4.0 \
    github.com/google/certificate-transparency-go/trillian/ctfe/ct_server
  ;;
*) exit 2 ;;
esac
