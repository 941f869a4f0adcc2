#!/usr/bin/env bash
# The hook of an agent (`attest audit hook`) beside an empty process: p99 of the wall time, with a spool and with a server.
#
#   benches/hook.sh [RUNS]           # 500 runs of each unless told; builds the release binary first
#   ATTEST=/path/to/attest benches/hook.sh
#
# The aim is p99 at most 3 ms above the empty process of the same run, the server loaded. An empty process is `cat /dev/null`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ -z ${ATTEST:-} ]]; then
  cargo build --release --quiet --manifest-path "$root/Cargo.toml"
  ATTEST=${CARGO_TARGET_DIR:-$root/target}/release/attest
fi
for bytes in 1000 100000; do
  for loaded in 0 1; do
    python3 "$root/benches/hook.py" "$(realpath "$ATTEST")" "${1:-500}" "$bytes" "$loaded"
  done
done
