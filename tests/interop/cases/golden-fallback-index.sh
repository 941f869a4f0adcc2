#!/usr/bin/env bash
# An attestation that cosign 3.1.1 attached in a registry without the referrers API, served as it lay there: a fallback
# index whose entry has the wrong artifactType, the referrer and its bundle. The image itself is not there, and need not be.
# needs: jq
set -euo pipefail
source "$INTEROP/lib.sh"

golden=$INTEROP/../../../shared/vectors/admission
[[ -d $golden ]] || skip 'shared/vectors/admission is not beside the repository'
subject=$(jq -r .subject.digest "$golden/cosign-3.1.1-referrer-manifest.json")
sha256() { printf 'sha256:%s' "$(sha256sum "$1" | cut -d ' ' -f 1)"; }
manifest=$golden/cosign-3.1.1-referrer-manifest.json bundle=$golden/cosign-3.1.1-bundle.json
registry=$(serve static_registry app "sha256-${subject#sha256:}=$golden/cosign-3.1.1-fallback-index.json" \
  "$(sha256 "$manifest")=$manifest" "$(sha256 "$bundle")=$bundle")

say "$registry/app@$subject"
expect 0 "$ATTEST" verify "$registry/app@$subject" --key "$golden/cosign-3.1.1-public-key.pem"
export ATTEST_PASSWORD=password
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/other"
expect 1 "$ATTEST" verify "$registry/app@$subject" --key "$WORK/other.pub"
# Not there, and nothing speaks of it: it may be an index of images that are all attested.
expect 3 "$ATTEST" verify "$registry/app@sha256:$(printf '0%.0s' {1..64})" --key "$golden/cosign-3.1.1-public-key.pem"
