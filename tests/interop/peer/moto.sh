#!/usr/bin/env bash
# moto: a server that takes S3's words about locks, and keeps some of them. In an environment of its own, which has AWS's own
# client, too: peer/s3.py.
#   start DIR    leaves DIR/moto.pid
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) python_program moto 5.2.5 moto 'moto[server]' >/dev/null && printf '%s\n' "$CACHE/python-moto/bin/moto_server" ;;
start)
  port=$(free_port)
  "$CACHE/python-moto/bin/moto_server" -H 127.0.0.1 -p "$port" >"$2/moto.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$2/moto.pid"
  for _ in $(seq 200); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break || sleep 0.1; done
  printf '127.0.0.1:%s\n' "$port"
  ;;
stop) stop moto "$2" ;;
*) exit 2 ;;
esac
