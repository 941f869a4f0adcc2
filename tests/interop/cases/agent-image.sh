#!/usr/bin/env bash
# The example, built in a repository of its own: each value of its provenance is what an independent command says.
# needs: jq nix
set -euo pipefail
source "$INTEROP/lib.sh"

cp -r "$INTEROP/../../examples/agent-image" "$WORK/checkout"
cd "$WORK/checkout"
# Nothing of this machine's or its user's git configuration.
export HOME=$WORK GIT_CONFIG_NOSYSTEM=1 ATTEST_PASSWORD=password
git init -q -b main .
git add -A
git -c user.name=builder -c user.email=builder@acme.example commit -q -m 'Tide times'
git remote add origin https://someone:secret@github.com/acme/tide-times.git
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"

expect 0 "$ATTEST" create dist/tides.js --key "$WORK/key.key" --output "$WORK/bundle.json" \
  --agent platform/tide-builder --agent-version 1.4 --model anthropic/some-model --session s-1 --execution e-1 \
  --task tide-17 --charter charter.md --requested-by github:583231 --trigger manual \
  --materials web=nar:web --materials Containerfile \
  -- sh -c 'mkdir -p dist && cp web/index.js dist/tides.js'
jq -r .dsseEnvelope.payload "$WORK/bundle.json" | base64 -d >"$WORK/statement.json"
! grep -q secret "$WORK/statement.json" || fail 'a credential of the remote is in the statement'

# is WHAT EXPECTED JQ-FILTER: the filter on the statement gives the expected text.
is() { equal "$1" "$2" "$(jq -r "$3" "$WORK/statement.json")"; }
external=.predicate.buildDefinition.externalParameters
internal=.predicate.buildDefinition.internalParameters
dependencies='.predicate.buildDefinition.resolvedDependencies[]'
digest() { sha256sum "$1" | cut -d' ' -f1; }
source_uri="git+https://github.com/acme/tide-times@$(git symbolic-ref HEAD)"

is subject "$(digest dist/tides.js)" '.subject[0].digest.sha256'
is commit "$(git rev-parse HEAD)" "$external.source.digest.gitCommit"
is source "$source_uri" "$external.source.uri"
is tree "$(git rev-parse 'HEAD^{tree}')" "$dependencies | select(.uri == \"$source_uri\") | .annotations.gitTree"
is 'clean before the step' false "$dependencies | select(.uri == \"$source_uri\") | .annotations.dirty"
is agent platform/tide-builder "$external.agent.id"
is model anthropic/some-model "$external.agent.model | .provider + \"/\" + .id"
is task tide-17 "$external.task.id"
is charter "$source_uri#charter.md" "$external.charter.uri"
is 'charter digest' "$(digest charter.md)" "$external.charter.digest.sha256"
is requester github:583231 "$external.requestedBy.id"
is trigger manual "$external.trigger"
is command "sh -c mkdir -p dist && cp web/index.js dist/tides.js" "$external.command | join(\" \")"
is runner "$(uname -n)" "$internal.environment.id"
is system "$(uname -m)-linux" "$internal.environment.nix.system"
is builder https://agent-attest.github.io/builder/local/v1 .predicate.runDetails.builder.id
is 'times are in order' true '.predicate.runDetails.metadata | .startedOn <= .finishedOn'
is 'step wrote the subject' null "$internal.subjectsNotWritten"

for file in Cargo.lock package-lock.json uv.lock flake.lock Containerfile; do
  is "$file" "$(digest "$file") $source_uri#$file" "$dependencies | select(.name == \"$file\") | .digest.sha256 + \" \" + .uri"
done
is 'base image' "$(sed -n 's/^FROM .*@sha256://p' Containerfile | tail -n1)" \
  "$dependencies | select(.name == \"base-image\") | .digest.sha256"

# Cargo: name and checksum of each package that has one.
equal 'Cargo packages' \
  "$(sed -n -e 's/^name = "\(.*\)"/\1/p' -e 's/^checksum = "\(.*\)"/=\1/p' Cargo.lock | tr '\n' ' ' | grep -oE '[a-z-]+ =[0-9a-f]+' | sort)" \
  "$(jq -r "$dependencies | select((.uri // \"\" | startswith(\"pkg:cargo/\")) and .digest.sha256) | (.uri | capture(\"cargo/(?<n>[^@]+)@\").n) + \" =\" + .digest.sha256" "$WORK/statement.json" | sort)"
# npm: what `openssl`-free tools make of the integrity.
npm() {
  jq -r '.packages | to_entries[] | select(.key != "") | .value.integrity' package-lock.json | while IFS=- read -r algorithm text; do
    printf '%s:%s\n' "$algorithm" "$(printf '%s' "$text" | base64 -d | od -An -tx1 | tr -d ' \n')"
  done | sort
}
equal 'npm packages' "$(npm)" \
  "$(jq -r "$dependencies | select(.uri // \"\" | startswith(\"pkg:npm/\")) | .digest | to_entries[] | .key + \":\" + .value" "$WORK/statement.json" | sort)"
# uv: each artifact's file name and hash.
equal 'uv artifacts' \
  "$(sed -n 's/.*url = ".*\/\(.*\)", hash = "sha256:\([0-9a-f]*\)".*/\1 \2/p' uv.lock | sort)" \
  "$(jq -r "$dependencies | select(.uri // \"\" | startswith(\"pkg:pypi/\")) | .name + \" \" + .digest.sha256" "$WORK/statement.json" | sort)"
# Nix: flake.lock's inputs, and the NAR hash of a folder.
is nix "nixpkgs#$(jq -r .nodes.nixpkgs.locked.rev flake.lock)" "$internal.environment.nix.flake"
for input in nixpkgs tools; do
  nar=$(jq -r ".nodes.$input.locked.narHash" flake.lock)
  is "flake input $input" "$nar" "$dependencies | select(.name == \"$input\") | .annotations.narHash"
done
is 'NAR of web' "sha256-$(printf "$(nix-hash --type sha256 web | sed 's/../\\x&/g')" | base64)" "$dependencies | select(.name == \"web\") | .annotations.narHash"

# The flat record has every field that the design names.
expect 0 "$ATTEST" inspect "$WORK/bundle.json" --format record
cp "$WORK/out" "$WORK/record.json"
jq -e '[.artifact, .digest, .created, (.provenance | .builder.agent, .builder.task_id, .source.repo, .source.commit,
  .source.branch, .charter, .requested_by, .environment.runner, .environment.nix_hash, .signature,
  (.dependencies | length > 0))] | all(. != null and . != "")' "$WORK/record.json" >/dev/null ||
  fail "the record lacks a field: $(cat "$WORK/record.json")"
equal 'commit in the record' "$(git rev-parse HEAD)" "$(jq -r .provenance.source.commit "$WORK/record.json")"
equal 'branch in the record' main "$(jq -r .provenance.source.branch "$WORK/record.json")"

# A changed file shows, with the digest of the difference.
echo '// changed' >>web/index.js
expect 0 "$ATTEST" generate dist/tides.js --agent platform/tide-builder --task tide-17
row=$(printf '[["web/index.js","100644","%s"]]' "$(digest web/index.js)")
equal 'digest of the difference' "$(printf '%s' "$row" | sha256sum | cut -d' ' -f1)" \
  "$(jq -r "$dependencies | select(.uri == \"$source_uri\") | .annotations.difference.sha256" "$WORK/out")"
