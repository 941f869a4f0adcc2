#!/usr/bin/env bash
# act: runs a workflow as GitHub's runner would, here without containers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_install act github.com/nektos/act v0.2.89 github.com/nektos/act ;;
*) exit 2 ;;
esac
