#!/usr/bin/env bash
# etcd: where an API server keeps its objects. Its go.mod cannot be installed directly, hence the small module.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_module etcd go.etcd.io/etcd/server/v3 v3.7.3 go.etcd.io/etcd/server/v3 ;;
start)
  folder=$2
  read -r client peer < <(free_port 2)
  "$CACHE/bin/etcd" --data-dir "$folder/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" >"$folder/etcd.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$folder/etcd.pid"
  for _ in $(seq 150); do
    "$PYTHON" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=2)' "http://127.0.0.1:$client/health" 2>/dev/null && break
    sleep 0.1
  done
  printf 'http://127.0.0.1:%s\n' "$client"
  ;;
stop) stop etcd "$2" ;;
*) exit 2 ;;
esac
