#!/usr/bin/env bash
# BuildKit's own parser and ours say the same base image of every container file of the table, and where BuildKit refuses a
# file, or the file alone does not say, we name none.
# needs: buildkit-parser
set -euo pipefail
source "$INTEROP/lib.sh"

expect 0 "$PYTHON" "$INTEROP/server/container_files.py" "$BIN/buildkit-parser" "$ATTEST" \
  "$INTEROP/../../src/capture/input/container_file/corpus.json" "$WORK"
say "$(tail -n 1 "$WORK/out")"
