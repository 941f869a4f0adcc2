#!/usr/bin/env bash
# What we write is taken by libraries of others: in-toto's own bindings and securesystemslib read a statement with Nix
# hashes and its envelope, packageurl-js reads its package URLs.
# needs: in-toto-attestation packageurl-js jq
set -euo pipefail
source "$INTEROP/lib.sh"

checkout "$WORK/checkout"
cd "$WORK/checkout"
export ATTEST_PASSWORD=our-password
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/ours"
digest=$(printf 'a%.0s' {1..64})
commit=${digest:0:40}
cat >flake.lock <<JSON
{"version":7,"root":"root","nodes":{"root":{"inputs":{"nixpkgs":"nixpkgs"}},"nixpkgs":{"locked":{"type":"github","owner":"o",
"repo":"r","rev":"$commit","narHash":"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}}}}
JSON
printf 'FROM registry.example:5000/base:1@sha256:%s\n' "$digest" >Dockerfile
printf 'an artifact\n' >artifact

say 'a statement, and its bundle, keyed'
expect 0 "$ATTEST" generate artifact
cp "$WORK/out" "$WORK/statement.json"
expect 0 "$ATTEST" create artifact --key "$WORK/ours.key" --output "$WORK/bundle.json"
equal 'metadata is there' object "$(jq -r '.predicate.runDetails.metadata | type' "$WORK/statement.json")"
equal 'keyid is there' string "$(jq -r '.dsseEnvelope.signatures[0].keyid | type' "$WORK/bundle.json")"
equal 'the NAR as Nix writes it' 'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' \
  "$(jq -r '.predicate.buildDefinition.resolvedDependencies[] | select(.name == "nixpkgs") | .annotations.narHash' "$WORK/statement.json")"

say 'in-toto-attestation and securesystemslib take both'
expect 0 "$INTEROP/peer/in-toto-attestation.sh" read "$WORK/statement.json" "$WORK/bundle.json"
jq 'del(.dsseEnvelope.signatures[0].keyid)' "$WORK/bundle.json" >"$WORK/without.json"
expect 1 "$INTEROP/peer/in-toto-attestation.sh" read "$WORK/statement.json" "$WORK/without.json"

say 'packageurl-js reads every package URL'
jq -r '.predicate.buildDefinition.resolvedDependencies[].uri // "" | select(startswith("pkg:"))' \
  "$WORK/statement.json" >"$WORK/purls"
equal 'the base image is one' 1 "$(grep -c '^pkg:docker/' "$WORK/purls")"
"$INTEROP/peer/packageurl-js.sh" read <"$WORK/purls" >"$WORK/versions"
equal 'its version' "sha256:$digest" "$(cat "$WORK/versions")"
