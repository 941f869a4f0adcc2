#!/usr/bin/env bash
# sigstore-python: verifies our bundles independently. Its environment also has what server/oidc_issuer.py and python-tuf
# need.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) python_program sigstore 4.5.1 sigstore tuf==7.0.1 ;;
*) exit 2 ;;
esac
