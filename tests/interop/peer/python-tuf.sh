#!/usr/bin/env bash
# python-tuf: makes the TUF repositories that we fetch from. It lives in the environment of sigstore-python.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) bash "$(dirname "${BASH_SOURCE[0]}")/sigstore-python.sh" install ;;
*) exit 2 ;;
esac
