#!/usr/bin/env bash
# versitygw: S3 with versions and object lock over a folder. Its users are in a folder, too.
#   start DIR    leaves DIR/versitygw.pid; the owner is owner:owner-secret, the bucket's writer writer:writer-secret
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) go_install versitygw github.com/versity/versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw ;;
start)
  folder=$2/versitygw
  port=$(free_port)
  mkdir -p "$folder/data" "$folder/versions" "$folder/users"
  ROOT_ACCESS_KEY=owner ROOT_SECRET_KEY=owner-secret "$CACHE/bin/versitygw" --port "127.0.0.1:$port" --iam-dir "$folder/users" \
    posix --versioning-dir "$folder/versions" "$folder/data" >"$2/versitygw.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$2/versitygw.pid"
  for _ in $(seq 100); do grep -q 'listening on' "$2/versitygw.log" && break || sleep 0.1; done
  "$CACHE/bin/versitygw" admin --access owner --secret owner-secret --endpoint-url "http://127.0.0.1:$port" \
    create-user --access writer --secret writer-secret --role user >>"$2/versitygw.log" 2>&1 ||
    cannot "versitygw did not start: $(tail -n 1 "$2/versitygw.log")"
  printf '127.0.0.1:%s\n' "$port"
  ;;
stop) stop versitygw "$2" ;;
*) exit 2 ;;
esac
