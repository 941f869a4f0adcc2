#!/usr/bin/env bash
# nix 2.8 of Debian: says what a NAR hash is, independently of us.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) apt_program nix-bin nix-hash ;;
*) exit 2 ;;
esac
