#!/usr/bin/env bash
# crane: makes, pulls and reads images and layouts independently of us.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  go_install crane github.com/google/go-containerregistry v0.22.1 github.com/google/go-containerregistry/cmd/crane
  ;;
*) exit 2 ;;
esac
