#!/usr/bin/env bash
# in-toto's own Python bindings, and securesystemslib, which reads DSSE envelopes. Libraries, hence the few lines in
# in-toto-attestation.py: `read STATEMENT BUNDLE` exits 0 where they take both.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  python_program in-toto-attestation 0.9.3 in-toto-attestation securesystemslib==1.3.1 >/dev/null
  printf '%s\n' "$CACHE/python-in-toto-attestation/bin/python"
  ;;
read)
  "$CACHE/python-in-toto-attestation/bin/python" "$(dirname "${BASH_SOURCE[0]}")/in-toto-attestation.py" "${@:2}"
  ;;
*) exit 2 ;;
esac
