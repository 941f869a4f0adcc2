#!/usr/bin/env bash
# docs/with-others.md, "Policy engines": its rules and its command decide on our decision as they should. What only
# `inspect` shows, which nobody verified, is refused by them.
# needs: conftest jq
set -euo pipefail
source "$INTEROP/lib.sh"

page=$INTEROP/../../docs/with-others.md
export ATTEST_PASSWORD=password
cd "$WORK"
expect 0 "$ATTEST" keygen --output-key-prefix key
mkdir policy
sed -n '/^```rego$/,/^```$/{/^```/!p;}' "$page" >policy/attest.rego
contains policy/attest.rego 'package main'
command=$(grep '^conftest test ' "$page")
read -ra conftest <<<"$BIN/$command"
for name in ours theirs; do printf '%s\n' "$name" >"$name"; done
expect 0 "$ATTEST" create ours --key key.key --agent platform/builder
expect 0 "$ATTEST" create theirs --key key.key --agent research/scout

# decided EXIT ARGUMENT...: what attest verify says in JSON.
decided() {
  expect "$1" "$ATTEST" verify "${@:2}" --key key.pub --format json
  cp out decision.json
}
decided 0 ours
expect 0 "${conftest[@]}"
say 'verified, and by another agent'
decided 0 ours theirs
expect 1 "${conftest[@]}"
contains out 'theirs: no accepted statement names an agent of the platform'
say 'refused by attest'
decided 1 ours theirs --agent 'platform/*'
expect 1 "${conftest[@]}"
contains out 'theirs: deny'
say 'changed after it was attested'
printf 'x' >>ours
decided 1 ours
expect 1 "${conftest[@]}"
say 'shown, and verified by nobody'
expect 0 "$ATTEST" inspect theirs --format json
cp out decision.json
expect 1 "${conftest[@]}"
contains out 'this is no decision of attest verify'
