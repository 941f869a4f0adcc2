#!/usr/bin/env bash
# olareg: a registry with the referrers API. Its go.mod cannot be installed directly, hence the small module.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_module olareg github.com/olareg/olareg v0.1.2 github.com/olareg/olareg/cmd/olareg ;;
start)
  port=$(free_port)
  start_http olareg "$2" "$port" "$CACHE/bin/olareg" serve --addr 127.0.0.1 --port "$port" --store-type mem
  ;;
stop) stop olareg "$2" ;;
*) exit 2 ;;
esac
