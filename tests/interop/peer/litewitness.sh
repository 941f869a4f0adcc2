#!/usr/bin/env bash
# litewitness: a C2SP witness. Its key is in an ssh-agent of its own; which logs it watches is in its database, which its own
# `witnessctl` would fill.
#   start DIR ORIGIN VKEY    watches one log; leaves DIR/litewitness.vkey
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  command -v ssh-agent >/dev/null || cannot 'litewitness takes its key from ssh-agent, which is not here'
  go_install litewitness filippo.io/torchwood v0.6.1 filippo.io/torchwood/cmd/litewitness
  ;;
start)
  folder=$2
  port=$(free_port)
  ssh-keygen -q -t ed25519 -N '' -f "$folder/witness-key" </dev/null
  ssh-agent -D -a "$folder/agent.sock" >/dev/null 2>&1 &
  printf '%s\n' "$!" >"$folder/ssh-agent.pid"
  for _ in $(seq 100); do [[ -S $folder/agent.sock ]] && break || sleep 0.05; done
  SSH_AUTH_SOCK=$folder/agent.sock ssh-add -q "$folder/witness-key" 2>/dev/null
  "$PYTHON" - "$folder/witness.db" "$3" "$4" <<'PY'
import base64, hashlib, sqlite3, sys

database = sqlite3.connect(sys.argv[1])
database.execute("CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL)")
database.execute("CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin))")
empty = base64.b64encode(hashlib.sha256().digest()).decode()
database.execute("INSERT INTO log VALUES (?, 0, ?)", (sys.argv[2], empty))
database.execute("INSERT INTO key VALUES (?, ?)", (sys.argv[2], sys.argv[3]))
database.commit()
PY
  "$CACHE/bin/litewitness" -db "$folder/witness.db" -name witness.example/lite -ssh-agent "$folder/agent.sock" \
    -key "$(ssh-keygen -lf "$folder/witness-key.pub" | awk '{ print $2 }')" -listen "127.0.0.1:$port" \
    >"$folder/litewitness.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$folder/litewitness.pid"
  for _ in $(seq 100); do grep -q listening "$folder/litewitness.log" && break || sleep 0.1; done
  sed -n 's/.*vkey=\([^ ]*\).*/\1/p' "$folder/litewitness.log" | tr -d '"' | head -n 1 >"$folder/litewitness.vkey"
  [[ -s $folder/litewitness.vkey ]] || cannot "litewitness did not start: $(tail -n 1 "$folder/litewitness.log")"
  printf '127.0.0.1:%s\n' "$port"
  ;;
stop)
  stop litewitness "$2"
  stop ssh-agent "$2"
  ;;
*) exit 2 ;;
esac
