#!/usr/bin/env bash
# strace: says which sockets a program opened.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) apt_program strace strace ;;
*) exit 2 ;;
esac
