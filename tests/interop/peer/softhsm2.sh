#!/usr/bin/env bash
# SoftHSM2: a PKCS#11 token in files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) apt_program softhsm2 softhsm2-util ;;
*) exit 2 ;;
esac
