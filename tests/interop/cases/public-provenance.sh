#!/usr/bin/env bash
# Provenance that others published is verified by what it says of source and signer: each demand is met as it is, and refused
# with one letter changed. Packages of npm, which have a sha512 alone, slsa-github-generator's
# v0.2 and v1, GitHub's own and one of a reusable workflow; no network, no trust but the roots that are built in.
# needs: public-bundles
set -euo pipefail
source "$INTEROP/lib.sh"

slsa=cli/slsa-verifier/testdata gh=pkg/cmd/attestation/test/data
generator=slsa-framework/slsa-github-generator/.github/workflows
ran=0 refused=0

# another TEXT: with one letter changed, which no form of it forgives.
another() {
  local at=$((${#1} / 2))
  while [[ ${1:at:1} != [a-z0-9] ]]; do at=$((at + 1)); done
  local letter=a
  if [[ ${1:at:1} == a ]]; then letter=b; fi
  if [[ ${1:at:1} == [0-9] ]]; then letter=$(((${1:at:1} + 1) % 10)); fi
  printf '%s%s%s' "${1:0:at}" "$letter" "${1:at+1}"
}

# published NAME REPO BUNDLE ARTIFACT FLAG VALUE...: ARTIFACT is a path in REPO, or a digest.
published() {
  local name=$1 repo=$2 bundle=$3 artifact=$4 flags=() at
  shift 4
  if ! bash "$INTEROP/peer/public-bundles.sh" file "$repo" "$bundle" >"$WORK/bundle.json" 2>/dev/null; then
    say "skipped $name: $repo is not here: $(bash "$INTEROP/peer/public-bundles.sh" why "$repo" 2>/dev/null || true)"
    return
  fi
  if [[ $artifact != sha*:* ]]; then
    bash "$INTEROP/peer/public-bundles.sh" file "$repo" "$artifact" >"$WORK/artifact"
    artifact=artifact
  fi
  say "$name"
  flags=("$@")
  expect 0 "$ATTEST" verify "$artifact" --offline --bundle bundle.json "${flags[@]}"
  for ((at = 1; at < ${#flags[@]}; at += 2)); do
    local wrong=("${flags[@]}")
    wrong[at]=$(another "${flags[at]}")
    expect 1 "$ATTEST" verify "$artifact" --offline --bundle bundle.json "${wrong[@]}"
    refused=$((refused + 1))
  done
  if [[ $artifact == artifact ]]; then
    printf 'x' >>"$WORK/artifact"
    expect 1 "$ATTEST" verify "$artifact" --offline --bundle bundle.json "${flags[@]}"
  else
    expect 1 "$ATTEST" verify "$(another "$artifact")" --offline --bundle bundle.json "${flags[@]}"
  fi
  ran=$((ran + 1))
}

cd "$WORK"
actions=https://token.actions.githubusercontent.com
js=https://github.com/sigstore/sigstore-js
published 'npm: sigstore 2.1.0, provenance v1' cli/cli $gh/sigstore-js-2.1.0-bundle.json $gh/sigstore-js-2.1.0.tgz \
  --repo sigstore/sigstore-js --source-repository $js --source-ref refs/heads/main \
  --source-commit 26d16513386ffaa790b1c32f927544f1322e4194 --builder-id https://github.com/actions/runner/github-hosted \
  --certificate-identity $js/.github/workflows/release.yml@refs/heads/main --certificate-oidc-issuer $actions
visor=https://github.com/ramonpetgrave64/gundam-visor
published 'npm: gundam-visor 1.0.1, beside what npm itself signed' slsa-framework/slsa-verifier \
  $slsa/npm/gha/gundam-visor-cli-v1-tag.tgz.json $slsa/npm/gha/gundam-visor-cli-v1-tag.tgz \
  --repo ramonpetgrave64/gundam-visor --source-repository $visor --source-ref refs/tags/v1.0.1 \
  --certificate-identity $visor/.github/workflows/npm-publish.yml@refs/tags/v1.0.1 --certificate-oidc-issuer $actions
example=https://github.com/slsa-framework/example-package
# generated KIND VERSION ENDING WORKFLOW TYPE
generated() {
  published "slsa-github-generator $2, $1, ${5##*/}" slsa-framework/slsa-verifier \
    "$slsa/gha_$1/$2/binary-linux-amd64-push-v14$3" "$slsa/gha_$1/$2/binary-linux-amd64-push-v14" \
    --predicate-type "$5" --repo slsa-framework/example-package --source-repository $example --source-ref refs/tags/v14 \
    --certificate-identity "https://github.com/$generator/$4@refs/tags/$2" --certificate-oidc-issuer $actions
}
generated generic v2.1.0 .intoto.jsonl generator_generic_slsa3.yml https://slsa.dev/provenance/v0.2
generated go v2.1.0 .intoto.jsonl builder_go_slsa3.yml https://slsa.dev/provenance/v0.2
for version in v1.10.0 v2.0.0 v2.1.0; do
  generated container-based $version .intoto.build.slsa builder_container-based_slsa3.yml https://slsa.dev/provenance/v1
done

# A workflow that signs for another one is no proof of what that one is called: only a policy may say so.
if bash "$INTEROP/peer/public-bundles.sh" file slsa-framework/slsa-verifier \
  $slsa/gha_delegator/v2.1.0/binary-linux-amd64-push-v14.build.slsa >bundle.json 2>/dev/null; then
  bash "$INTEROP/peer/public-bundles.sh" file slsa-framework/slsa-verifier \
    $slsa/gha_delegator/v2.1.0/binary-linux-amd64-push-v14 >artifact
  expect 1 "$ATTEST" verify artifact --offline --bundle bundle.json --repo slsa-framework/example-package \
    --signer-workflow $generator/delegator_generic_slsa3.yml
  contains out certificate-contradicts-builder
fi

demo=https://github.com/actions/attest-demo
published 'GitHub, its own instance with a timestamp' cli/cli \
  $gh/github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl $gh/github_provenance_demo-0.0.12-py3-none-any.whl \
  --repo actions/attest-demo --source-repository $demo --source-ref refs/heads/main \
  --certificate-identity $demo/.github/workflows/build-python.yml@refs/heads/main --certificate-oidc-issuer $actions
reusable=https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml
published 'GitHub, a reusable workflow of another repository' cli/cli $gh/reusable-workflow-attestation.sigstore.json \
  $gh/reusable-workflow-artifact --repo malancas/attest-demo --source-repository https://github.com/malancas/attest-demo \
  --source-ref refs/heads/main --certificate-identity $reusable@09b495c3f12c7881b3cc17209a327792065c1a1d \
  --certificate-oidc-issuer $actions

# From before npm kept proofs of inclusion: the log's promise alone, which a policy may accept and flags never do.
# promised NAME REPO BUNDLE DIGEST SOURCE WORKFLOW REF
promised() {
  local name=$1 repo=$2 bundle=$3 digest=$4 policy
  shift 4
  if ! bash "$INTEROP/peer/public-bundles.sh" file "$repo" "$bundle" >"$WORK/bundle.json" 2>/dev/null; then
    say "skipped $name: $repo is not here"
    return
  fi
  say "$name"
  policy() {
    cat >"$WORK/policy.yaml" <<YAML
apiVersion: agent-attest.github.io/v1
kind: AttestationPolicy
metadata: { name: old }
spec:
  images: [{ glob: "file:**" }]
  require:
    - predicateType: https://slsa.dev/provenance/v0.2
      signers: [{ issuer: "$actions", identity: "$1/.github/workflows/$2@$3" }]
      trust: { allowPromiseOnly: true }
      source: { repository: "$4", refs: ["$5"] }
YAML
  }
  policy "$1" "$2" "$3" "$1" "$3"
  expect 0 "$ATTEST" verify "$digest" --offline --bundle bundle.json --policy policy.yaml
  expect 1 "$ATTEST" verify "$(another "$digest")" --offline --bundle bundle.json --policy policy.yaml
  expect 1 "$ATTEST" verify "$digest" --offline --bundle bundle.json --repo "${1#https://github.com/}" \
    --predicate-type slsaprovenance02
  contains "$WORK/out" log-proof-missing
  policy "$(another "$1")" "$2" "$3" "$1" "$3"
  expect 1 "$ATTEST" verify "$digest" --offline --bundle bundle.json --policy policy.yaml
  policy "$1" "$(another "$2")" "$3" "$1" "$3"
  expect 1 "$ATTEST" verify "$digest" --offline --bundle bundle.json --policy policy.yaml
  policy "$1" "$2" "$3" "$(another "$1")" "$3"
  expect 1 "$ATTEST" verify "$digest" --offline --bundle bundle.json --policy policy.yaml
  policy "$1" "$2" "$3" "$1" "$(another "$3")"
  expect 1 "$ATTEST" verify "$digest" --offline --bundle bundle.json --policy policy.yaml
  ran=$((ran + 1)) refused=$((refused + 5))
}
promised 'npm: sigstore 1.0.0, provenance v0.2' npm/cli test/fixtures/sigstore/valid-sigstore-attestations.json \
  sha512:7bea9f6e7ff37f5fab0b36bf061200fff03099fd2fd696b91d04bc5e4f225eb9fd6e0cadcad54ba980f43fb352a99e8810b4e0abeb5c0ef2cf9108cd1f258b36 \
  $js publish.yml refs/tags/v1.0.0
promised 'npm: supreme-goggles 1.0.5, provenance v0.2, behind what npm signed' slsa-framework/slsa-verifier \
  $slsa/npm/gha/supreme-googles-cli-v02-tag.tgz.json \
  sha512:1e2ebece757250876cde9d0f6c636ed6e0088a23a6c477fe0cd1afcc11800a5ba0c932f4a57a12537063d49d717bb7ae76b8a2938b3d48e7f02617f6564ad919 \
  https://github.com/trishankatdatadog/supreme-goggles npm-publish.yml refs/tags/v1.0.5

# No repository is known to keep an SBOM that GitHub attested; the same shape is made by the case keyless-registry.
say 'skipped an SBOM of GitHub: no repository is known that keeps one'
say "$ran attestations, $refused refusals of one letter"
((ran)) || skip 'none of the repositories with published bundles is here'
