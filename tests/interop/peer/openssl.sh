#!/usr/bin/env bash
# openssl: makes keys, and signs behind the example's program.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) apt_program openssl openssl ;;
*) exit 2 ;;
esac
