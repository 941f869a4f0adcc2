#!/usr/bin/env bash
# cosign: signs and verifies the same bundles with the same keys. A cold build takes four minutes on two cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_install cosign github.com/sigstore/cosign/v3 v3.1.3 github.com/sigstore/cosign/v3/cmd/cosign ;;
*) exit 2 ;;
esac
