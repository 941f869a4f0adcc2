#!/usr/bin/env bash
# A person approves, a builder signs: as identities and with timestamped keys, against a whole Sigstore on this machine. What was
# approved first counts; what was approved afterwards, by the builder itself or by nobody that is known does not.
# needs: sigstore jq
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
checkout "$WORK/checkout"
cd "$WORK/checkout"
config=$SIGSTORE/signing_config.json
alice=alice@example.org
builder=builder@example.org

# as WHO: the arguments that sign as an identity
as() {
  token "$1" >"$WORK/token"
  signing=(--identity-token "$WORK/token" --signing-config "$config" --trusted-root "$ROOT")
}

# policy PEOPLE-OF-ALICE BY...
policy() {
  jq -n --argjson alice "$1" --argjson by "$2" --arg issuer "$OIDC_URL" --arg builder "$builder" '{
    apiVersion: "agent-attest.github.io/v1", kind: "AttestationPolicy", metadata: {name: "approved"},
    spec: {
      images: [{glob: "**"}],
      people: {alice: $alice, octocat: ["github:583231"], builder: [$builder], agents: ["agent:platform/*"]},
      require: [{signers: [{issuer: $issuer, identity: $builder}], approvals: {by: $by}}]
    }}' >"$WORK/policy.json"
}
by_alice=$(jq -n --arg issuer "$OIDC_URL" --arg identity "$alice" '[{issuer: $issuer, identity: $identity}]')

verified() {
  "$ATTEST" verify -v "$1" --bundle "$1.sigstore.json" --bundle "$2" --trusted-root "$ROOT" --policy "$WORK/policy.json"
}

refused() {
  expect 1 verified "$2" "$3"
  contains "$WORK/out" "$1: "
}

built() {
  printf '%s\n' "$1" >"$WORK/$1"
  as "$builder"
  expect 0 "$ATTEST" create "$WORK/$1" "${signing[@]}" --agent platform/builder --requested-by github:583231
}

say 'alice approves the commit, then it is built'
as "$alice"
expect 0 "$ATTEST" approve commit:HEAD --yes "${signing[@]}" --output "$WORK/commit.json"
# Times have whole seconds.
sleep 1
built early
policy '["alice@example.org"]' "$by_alice"
expect 0 verified "$WORK/early" "$WORK/commit.json"
contains "$WORK/out" 'approved: commit '
contains "$WORK/out" '(signed)'

say 'what does not count'
policy '["alice@example.org", "github:583231x"]' "$by_alice"
expect 0 verified "$WORK/early" "$WORK/commit.json"
policy '["github:1"]' "$by_alice"
refused principal-not-comparable "$WORK/early" "$WORK/commit.json"
policy '["alice@example.org"]' "$(jq -n --arg i "$OIDC_URL" '[{issuer: $i, identity: "bob@example.org"}]')"
refused approver-not-accepted "$WORK/early" "$WORK/commit.json"
policy '["alice@example.org"]' "$by_alice"
sleep 1
as "$alice"
expect 0 "$ATTEST" approve commit:HEAD --yes "${signing[@]}" --output "$WORK/late.json"
refused approval-after-signing "$WORK/early" "$WORK/late.json"
as "$builder"
expect 0 "$ATTEST" approve commit:HEAD --yes "${signing[@]}" --output "$WORK/own.json"
sleep 1
built again
policy '["alice@example.org"]' "$(jq -n --arg i "$OIDC_URL" --arg b "$builder" '[{issuer: $i, identity: $b}]')"
refused approver-is-signer "$WORK/again" "$WORK/own.json"

say 'a key, timestamped'
export ATTEST_PASSWORD=interop
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/alice"
expect 0 "$ATTEST" approve commit:HEAD --yes --key "$WORK/alice.key" --signing-config "$config" --trusted-root "$ROOT" \
  --output "$WORK/keyed.json" --format json
id=$(jq -r .keyId "$WORK/out")
sleep 1
built later
policy "[\"key:$id\"]" "[{\"key\": \"$WORK/alice.pub\"}]"
expect 0 verified "$WORK/later" "$WORK/keyed.json"
refused approval-after-signing "$WORK/early" "$WORK/keyed.json"

say 'a key without a timestamp'
expect 0 "$ATTEST" approve commit:HEAD --yes --key "$WORK/alice.key" --output "$WORK/untimed.json"
sleep 1
built last
refused approval-time-not-proven "$WORK/last" "$WORK/untimed.json"
