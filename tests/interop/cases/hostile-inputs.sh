#!/usr/bin/env bash
# Inputs within every limit that would cost a reader much more than they have: bundles, layouts, policies, lock files,
# project files and checkouts. Peak memory and time of each are measured from outside the process.
set -euo pipefail
source "$INTEROP/lib.sh"

mkdir "$WORK/inputs"
"$PYTHON" "$INTEROP/server/hostile_inputs.py" "$ATTEST" "$WORK/inputs"
