#!/usr/bin/env bash
# The audit log and C2SP's other programs: litewitness cosigns it, and finds a fork of it; Tessera's fsck reads its folder and
# its server.
# needs: litewitness fsck
set -euo pipefail
source "$INTEROP/lib.sh"

origin=audit.example/interop
log=$WORK/log
audit() { local at=$1; shift; expect "$at" "$ATTEST" audit --log "$log" "$@"; }

audit 0 init --origin "$origin"
vkey=$("$ATTEST" audit --log "$log" keys --format json | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["log"])')
printf '%s\n' "$vkey" >"$WORK/log.vkey"
"$PYTHON" - >"$WORK/records" <<'PY'
for n in range(600):
    print('{"kind":"decision","what":"number %d","reason":"interop"}' % n)
PY
audit 0 record --file "$WORK/records"

say 'litewitness cosigns the log as it grows'
witness=$(start litewitness "$origin" "$vkey")
printf 'log %s\nwitness lite %s http://%s\nquorum lite\n' "$vkey" "$(<"$WORK/litewitness.vkey")" "$witness" >"$WORK/policy"
audit 0 anchor --policy "$WORK/policy"
contains "$WORK/out" 'the quorum is met'
audit 0 verify --policy "$WORK/policy"
contains "$WORK/out" 'not edited   proved       by witness lite'
cp -a "$log" "$WORK/fork"
audit 0 record decision what=more reason=interop
audit 0 anchor --policy "$WORK/policy"
audit 0 verify --policy "$WORK/policy"

say 'and not a fork of it'
ours=$log
log=$WORK/fork
audit 0 record decision what=other reason=interop
audit 1 anchor --policy "$WORK/policy"
contains "$WORK/out" 'DISPUTED'
log=$ours

say "Tessera's fsck reads the folder, and the server"
fsck() { expect "$1" "$BIN/fsck" --ui=false --origin "$origin" --public_key "$WORK/log.vkey" --storage_url "$2"; }
fsck 0 "file://$log/tlog/"
"$ATTEST" audit --log "$log" serve --listen 127.0.0.1:0 2>"$WORK/serve.err" &
echo $! >"$WORK/serve.pid"
for _ in $(seq 100); do grep -q 'listening on' "$WORK/serve.err" && break || sleep 0.1; done
fsck 0 "$(sed -n 's/.*listening on \(.*\)/\1/p' "$WORK/serve.err")/"

say 'a changed tile'
kill "$(<"$WORK/serve.pid")"
"$PYTHON" - "$log/tlog/tile/0/000" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[40] ^= 1
open(sys.argv[1], "wb").write(data)
PY
# Of a changed tile fsck 1.0.4 says nothing, and never ends; it must not say that the log is whole.
expect_not 0 timeout 15 "$BIN/fsck" --ui=false --origin "$origin" --public_key "$WORK/log.vkey" --storage_url "file://$log/tlog/"
audit 1 verify
contains "$WORK/out" 'TAMPERED'
