#!/usr/bin/env bash
# A trusted root that `attest trust update` fetched from a repository made with python-tuf verifies what its Sigstore vouched
# for, without a network; what the repository withdraws, the next update withdraws. A cache that somebody wrote to vouches
# for nothing.
# needs: sigstore python-tuf strace jq
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
python=$ATTEST_INTEROP_CACHE/python-sigstore/bin/python
who=signer@example.org
checkout "$WORK/checkout"
cd "$WORK/checkout"
printf 'content\n' >"$WORK/file"
token $who >"$WORK/token"
expect 0 "$ATTEST" create "$WORK/file" --identity-token "$WORK/token" --signing-config "$SIGSTORE/signing_config.json" \
  --trusted-root "$ROOT"

# repository ROOT COMMAND...: the next state of the repository, which has ROOT as its target; served at once.
served=$WORK/served
mkdir "$served"
address=$(serve static_folder "$served")
repository() {
  "$python" "$INTEROP/server/tuf_repository.py" "$WORK/tuf" "$@" 2>"$WORK/python.err" ||
    fail "python-tuf: $(tail -n 1 "$WORK/python.err")"
  find "$served" -mindepth 1 -delete
  cp -r "$WORK/tuf/." "$served/"
}

export HOME=$WORK/home
kept=$WORK/kept.json
cache=$HOME/.cache/attest/tuf
unset XDG_CACHE_HOME XDG_CONFIG_HOME
update() {
  "$ATTEST" trust update --mirror "http://$address" --root "$WORK/pinned.json" --output "$kept" --format json
}

# verify ROOT-ARGUMENT...: what we signed, and by whom
verify() {
  "$ATTEST" verify "$WORK/file" --certificate-identity $who --certificate-oidc-issuer "$OIDC_URL" "$@"
}

say 'published, fetched, used; no socket'
repository "$ROOT" init
cp "$WORK/tuf/1.root.json" "$WORK/pinned.json"
expect 0 update
cmp "$kept" "$ROOT" || fail 'another root was kept than was published'
expect 0 strace -f -qq -e trace=network -o "$WORK/trace" "$ATTEST" verify -v "$WORK/file" --certificate-identity $who \
  --certificate-oidc-issuer "$OIDC_URL" --trusted-root "$kept"
contains "$WORK/out" 'logged: entry'
if grep -E 'socket\(|connect\(' "$WORK/trace" >&2; then fail 'a socket was opened'; fi
expect 0 "$ATTEST" trust show --trusted-root "$kept"
contains "$WORK/out" "$FULCIO_URL"

say 'the log that vouched is withdrawn: until the update it counts, from then on it does not'
jq --arg url "$REKOR_V2_URL" '.tlogs |= map(select(.baseUrl != $url))' "$ROOT" >"$WORK/withdrawn.json"
repository "$WORK/withdrawn.json" target rotate
expect 0 verify --trusted-root "$kept"
expect 0 update
expect 1 verify --trusted-root "$kept"
contains "$WORK/out" 'log-unknown: '
say 'and is there again'
repository "$ROOT" target
expect 0 update
expect 0 verify --trusted-root "$kept"

say 'what an update refuses, leaves the root that was kept in use'
repository "$WORK/withdrawn.json" target wrong-hash
expect 1 update
equal code tuf-hash-mismatch "$(jq -r .code "$WORK/out")"
expect 0 verify --trusted-root "$kept"

say 'a root that was cut short or written to is none'
head -c 400 "$kept" >"$WORK/cut.json"
expect 2 verify --trusted-root "$WORK/cut.json"
contains "$WORK/err" trusted-root-malformed

# The caches of the public-good instance and GitHub's are looked at without being named: whoever can write them must not
# be believed. This one is good, signed and complete, for a repository that nobody named.
say "a cache in the public-good instance's place"
file=("$cache"/*.json)
equal 'caches' 1 "${#file[@]}"
for name in public-good github; do
  cp "${file[0]}" "$cache/$name.json"
  expect 1 verify
  contains "$WORK/out" 'certificate-untrusted: '
  contains "$WORK/err" 'the embedded root is used'
  contains "$WORK/err" trust-cache-unusable
  expect 0 "$ATTEST" trust show
  contains "$WORK/out" 'embedded: '
  if grep -qF "$FULCIO_URL" "$WORK/out"; then fail 'the strange root is trusted'; fi
  rm "$cache/$name.json"
done

say 'a target in the cache that nobody signed'
mv "${file[0]}" "$WORK/cache.json"
jq --arg target "$(base64 -w0 <"$WORK/withdrawn.json")" '.files["targets/trusted_root.json"] = $target' "$WORK/cache.json" \
  >"${file[0]}"
repository "$ROOT" target
expect 0 update
cmp "$kept" "$ROOT" || fail 'the root of the cache was believed'
