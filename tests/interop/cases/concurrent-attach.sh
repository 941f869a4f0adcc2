#!/usr/bin/env bash
# Two processes attach fifty bundles each to one subject in a registry that has neither the referrers API nor conditional
# writes; five times. All hundred must be listed afterwards, each time.
# needs: crane docker-registry jq
set -euo pipefail
source "$INTEROP/lib.sh"

rounds=5 each=50
registry=$(start docker-registry)
export ATTEST_PASSWORD=password
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"
subject=$(image "$registry/demo/app")
digest=${subject#*@sha256:}

say "signing $((2 * each)) statements"
mkdir "$WORK/bundles"
for n in $(seq $((2 * each))); do
  jq -n --arg digest "$digest" --arg task "t-$n" '{_type: "https://in-toto.io/Statement/v1",
    subject: [{name: "app", digest: {sha256: $digest}}], predicateType: "https://slsa.dev/provenance/v1",
    predicate: {buildDefinition: {buildType: "https://example.org/build/v1", externalParameters: {task: {id: $task}}},
      runDetails: {builder: {id: "https://example.org/builder"}}}}' >"$WORK/statement.json"
  "$ATTEST" sign "$WORK/statement.json" --key "$WORK/key.key" --output "$WORK/bundles/$n.json" 2>"$WORK/err" ||
    fail "attest sign: $(cat "$WORK/err")"
done

attach_all() {
  local n
  for n in $(seq "$2" "$3"); do
    "$ATTEST" attach "$1" --bundle "$WORK/bundles/$n.json" >/dev/null 2>"$WORK/attach-$n.err" ||
      { cat "$WORK/attach-$n.err" >&2; return 1; }
  done
}

for round in $(seq $rounds); do
  target=$(image "$registry/demo/round-$round")
  equal "digest of round $round" "$digest" "${target#*@sha256:}"
  began=$SECONDS
  attach_all "$target" 1 $each &
  first=$!
  attach_all "$target" $((each + 1)) $((2 * each)) &
  second=$!
  wait $first || fail "first process of round $round"
  wait $second || fail "second process of round $round"
  found=$("$BIN/crane" manifest --insecure "${target%@*}:sha256-$digest" | jq '[.manifests[].digest] | unique | length')
  equal "referrers of round $round after $((SECONDS - began)) s" $((2 * each)) "$found"
done
