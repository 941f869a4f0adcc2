#!/usr/bin/env bash
# BuildKit's own parser of container files. It is a library, hence the few lines in buildkit-parser.go: for each file the
# image that its last stage starts from, or why BuildKit refuses it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=v0.34.2
case $1 in
install)
  go_source buildkit-parser github.com/moby/buildkit "$VERSION" "$(dirname "${BASH_SOURCE[0]}")/buildkit-parser.go"
  ;;
*) exit 2 ;;
esac
