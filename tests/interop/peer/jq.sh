#!/usr/bin/env bash
# jq: reads lock files and our JSON independently of us.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) apt_program jq jq ;;
*) exit 2 ;;
esac
