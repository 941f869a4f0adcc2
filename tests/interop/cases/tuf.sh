#!/usr/bin/env bash
# `attest trust update` against a repository made with python-tuf: what is good is taken; what goes back, is held back, has
# expired, or was signed or served wrong is refused by its code, and leaves what was trusted before.
# needs: python-tuf openssl jq
set -euo pipefail
source "$INTEROP/lib.sh"

python=$ATTEST_INTEROP_CACHE/python-sigstore/bin/python
served=$WORK/served
mkdir "$served"
address=$(serve static_folder "$served")
out=$WORK/root.json

# A trusted root of ours, and another one that differs in an address.
openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkey -pubout -out "$WORK/log.pub" 2>/dev/null
expect 0 "$ATTEST" trust init --rekor "https://log.example.org,$WORK/log.pub" --valid-from 2026-01-01T00:00:00Z \
  --output "$WORK/first.json"
expect 0 "$ATTEST" trust init --rekor "https://log2.example.org,$WORK/log.pub" --valid-from 2026-01-01T00:00:00Z \
  --output "$WORK/second.json"

# repository COMMAND...: the next state of the repository; served at once.
repository() {
  "$python" "$INTEROP/server/tuf_repository.py" "$WORK/tuf" "$root_file" "$@" 2>"$WORK/python.err" ||
    fail "python-tuf: $(tail -n 1 "$WORK/python.err")"
  publish "$WORK/tuf"
}

publish() {
  find "$served" -mindepth 1 -delete
  cp -r "$1/." "$served/"
}

# begin: a new repository, a new home, nothing known.
begin() {
  say "$*"
  rm -rf "$WORK/tuf" "$WORK/tuf.keys" "$WORK/home" "$out"
  root_file=$WORK/first.json
  repository init
  cp "$WORK/tuf/1.root.json" "$WORK/pinned.json"
}

update() {
  env -u XDG_CACHE_HOME HOME="$WORK/home" "$ATTEST" trust update --format json --mirror "http://$address" \
    --root "$WORK/pinned.json" --output "${1:-$out}"
}

# refused EXIT CODE: an update is refused so, and what was written before is what is there.
refused() {
  local before after
  before=$(sha256sum "$out" "$WORK"/home/.cache/attest/tuf/*.json 2>/dev/null || true)
  expect "$1" update
  equal code "$2" "$(jq -r .code "$WORK/out")"
  after=$(sha256sum "$out" "$WORK"/home/.cache/attest/tuf/*.json 2>/dev/null || true)
  [[ $before == "$after" ]] || fail "a refused update changed what is trusted"
}

taken() {
  expect 0 update
  cmp -s "$out" "$1" || fail "another trusted root was written than was published"
  say "taken: $(basename "$1"), root $(jq -r '.roots[0].rootVersion' "$WORK/out"), targets $(jq -r '.roots[0].targetsVersion' "$WORK/out")"
}

begin 'good: the first, the same again, a new target'
taken "$WORK/first.json"
taken "$WORK/first.json"
root_file=$WORK/second.json
repository target
taken "$WORK/second.json"
equal 'version of the targets' 2 "$(jq -r '.roots[0].targetsVersion' "$WORK/out")"
expect 0 "$ATTEST" trust show --trusted-root "$out"
contains "$WORK/out" https://log2.example.org

begin 'rotation: a root that the old key and the new one signed, with what was known and without'
taken "$WORK/first.json"
root_file=$WORK/second.json
repository rotate target rotate
taken "$WORK/second.json"
equal 'version of the root' 3 "$(jq -r '.roots[0].rootVersion' "$WORK/out")"
rm -rf "$WORK/home"
taken "$WORK/second.json"

begin 'rotation by somebody else'
taken "$WORK/first.json"
repository rotate-alone
refused 1 tuf-signature-invalid

begin 'rollback: an older state than was seen; without having seen it, nobody can tell'
cp -r "$WORK/tuf" "$WORK/old"
root_file=$WORK/second.json
repository target
taken "$WORK/second.json"
publish "$WORK/old"
refused 1 tuf-rollback
rm -rf "$WORK/home" "$WORK/old"
taken "$WORK/first.json"

begin 'freeze: the same state for ever'
repository ending 3
taken "$WORK/first.json"
sleep 4
refused 1 tuf-expired

for role in timestamp snapshot targets; do
  begin "expiry: $role"
  taken "$WORK/first.json"
  repository expire "$role"
  refused 1 tuf-expired
done

begin 'other bytes than were signed'
root_file=$WORK/second.json
repository target wrong-hash
refused 1 tuf-hash-mismatch
[[ ! -e $out ]] || fail 'a file was written'

begin 'a timestamp of another key'
taken "$WORK/first.json"
repository wrong-key
refused 1 tuf-signature-invalid

begin 'no target'
taken "$WORK/first.json"
repository no-target
refused 1 tuf-target-missing

begin 'signed, and no trusted root'
printf '{}\n' >"$WORK/empty.json"
root_file=$WORK/empty.json
repository target
refused 1 trusted-root-malformed

begin 'garbage, too much of it, and nothing'
taken "$WORK/first.json"
printf 'garbage\n' >"$served/timestamp.json"
refused 1 tuf-malformed
head -c 1000000 /dev/zero >"$served/timestamp.json"
refused 3 tuf-unavailable
rm "$served/timestamp.json"
refused 3 tuf-unavailable

begin 'a root that is not the repository'"'"'s'
"$python" "$INTEROP/server/tuf_repository.py" "$WORK/other" "$WORK/first.json" init
cp "$WORK/other/1.root.json" "$WORK/pinned.json"
refused 1 tuf-signature-invalid

begin 'a cache that somebody broke is said, and a new one made when it is gone'
taken "$WORK/first.json"
cache=("$WORK"/home/.cache/attest/tuf/*.json)
equal 'caches' 1 "${#cache[@]}"
printf '{' >"${cache[0]}"
refused 2 trust-cache-unusable
rm "${cache[0]}"
taken "$WORK/first.json"

begin 'two at once'
update "$WORK/one.json" >"$WORK/one.out" 2>&1 &
update "$WORK/two.json" >"$WORK/two.out" 2>&1 || fail "$(cat "$WORK/two.out")"
wait $! || fail "$(cat "$WORK/one.out")"
taken "$WORK/first.json"

begin 'a home that cannot be written, and none'
readonly_home() {
  mkdir -p "$WORK/readonly"
  if unshare -m true 2>/dev/null; then
    say 'a home on a file system that is mounted for reading only'
    cat >"$WORK/readonly.sh" <<'SH'
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
home=$1
shift
env -u XDG_CACHE_HOME HOME="$home" "$@"
SH
    expect 0 unshare -m bash -e "$WORK/readonly.sh" "$WORK/readonly" "$@"
  else
    say 'a home in /proc, as nothing can be mounted here'
    expect 0 env -u XDG_CACHE_HOME HOME=/proc/self "$@"
  fi
}
command=("$ATTEST" trust update --mirror "http://$address" --root "$WORK/pinned.json" --output "$out")
readonly_home "${command[@]}"
contains "$WORK/err" 'cannot be written'
cmp "$out" "$WORK/first.json"
rm "$out"
expect 0 env -u HOME -u XDG_CACHE_HOME "${command[@]}"
contains "$WORK/err" 'no folder for caches'
cmp "$out" "$WORK/first.json"
rm "$out"
touch "$WORK/file"
expect 0 env -u XDG_CACHE_HOME HOME="$WORK/file" "${command[@]}"
cmp "$out" "$WORK/first.json"
