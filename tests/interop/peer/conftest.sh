#!/usr/bin/env bash
# conftest: OPA as a command that takes JSON files and rules.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_install conftest github.com/open-policy-agent/conftest v0.71.1 github.com/open-policy-agent/conftest ;;
*) exit 2 ;;
esac
