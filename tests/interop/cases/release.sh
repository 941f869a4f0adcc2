#!/usr/bin/env bash
# The release that release/build.sh made ($ATTEST_RELEASE): its program needs no file of the machine, its image is one that crane
# takes, its attestations are accepted by us and by cosign, and nothing of it can be changed unseen.
# needs: sigstore crane docker-registry jq
set -euo pipefail
source "$INTEROP/lib.sh"

[[ -f ${ATTEST_RELEASE:-}/SHA256SUMS ]] || skip 'no release was made: ATTEST_BUILD_COMMIT=none release/build.sh target/dist'
root=$(cd "$INTEROP/../.." && pwd)
dist=$WORK/dist
cp -R "$ATTEST_RELEASE" "$dist"
# One that was signed is signed anew.
rm -f "$dist/attest.sigstore.jsonl"
jq -c '.manifests |= .[:1]' "$ATTEST_RELEASE/image/index.json" >"$dist/image/index.json"
target=$(jq -r '.releases[0].target' "$dist/releases.json")
name=attest-$target
mkdir "$WORK/unpacked"
tar -xzf "$dist/$name.tar.gz" -C "$WORK/unpacked"
program=$WORK/unpacked/$name/attest

say 'the program'
expect 0 ldd "$program"
contains "$WORK/out" 'statically linked'
size=$(stat -c %s "$program")
((size <= 24000000)) || fail "$size bytes, at most 24,000,000"
say "$size bytes"
expect 0 "$program" --version --format json
equal 'target and features' "$target true cli" "$(jq -r '"\(.target) \(.static) \(.features | join(","))"' "$WORK/out")"
expect 0 bash -c "cd '$dist' && sha256sum --check --strict SHA256SUMS"

sigstore
who=release@example.org
token $who >"$WORK/token"
identity=(--certificate-identity "$who" --certificate-oidc-issuer "$OIDC_URL" --trusted-root "$ROOT")
keyless=(--identity-token "$WORK/token" --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT")

say 'pushed by crane, attested in the registry'
registry=$(start docker-registry)
expect 0 "$BIN/crane" push --insecure "$dist/image" "$registry/attest:v1"
expect 0 "$BIN/crane" validate --insecure --remote "$registry/attest:v1"
expect 0 "$root/release/sign.sh" "$dist" "$registry/attest" "${keyless[@]}"
index=$(jq -r '.manifests[0].digest' "$dist/image/index.json")
equal 'digest in the registry' "$index" "$("$BIN/crane" digest --insecure "$registry/attest:v1")"
expect 0 "$program" verify "$registry/attest@$index" "${identity[@]}"
platform=$(jq -r '.manifests[0].digest' "$dist/image/blobs/sha256/${index#sha256:}")
expect 0 "$program" verify "$registry/attest@$platform" --predicate-type cyclonedx "${identity[@]}"
expect 0 "$BIN/cosign" verify-attestation --allow-insecure-registry --allow-http-registry --new-bundle-format --trusted-root "$ROOT" \
  --certificate-identity "$who" --certificate-oidc-issuer "$OIDC_URL" --type cyclonedx "$registry/attest@$platform"

say 'attested as it lies there, with a key'
export ATTEST_PASSWORD=interop
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"
cp -R "$dist" "$WORK/keyed"
expect 0 "$root/release/sign.sh" "$WORK/keyed" "oci:$WORK/keyed/image" --key "$WORK/key.key"
expect 0 "$program" verify "oci:$WORK/keyed/image@$index" --key "$WORK/key.pub"
expect 0 "$program" verify "$WORK/keyed/SHA256SUMS" --key "$WORK/key.pub"

say 'the bundle is about every file, for us and for cosign'
bundle=$dist/attest.sigstore.jsonl
files=(SHA256SUMS)
while read -r _ file; do files+=("$file"); done <"$dist/SHA256SUMS"
we_verify() { "$program" verify "file:$1" --bundle "$2" "${identity[@]}"; }
for file in "${files[@]}"; do
  expect 0 we_verify "$dist/$file" "$bundle"
  expect 0 cosign_verify "$who" "$OIDC_URL" "$bundle" "$dist/$file"
done

# flip FILE: another byte in its middle.
flip() {
  "$PYTHON" - "$1" <<'PY'
import sys
content = bytearray(open(sys.argv[1], "rb").read())
content[len(content) // 2] ^= 1
open(sys.argv[1], "wb").write(content)
PY
}
say 'one byte of each file, and of the bundle'
for file in "${files[@]}"; do
  cp "$dist/$file" "$WORK/changed"
  flip "$WORK/changed"
  expect 1 we_verify "$WORK/changed" "$bundle"
  expect_not 0 cosign_verify "$who" "$OIDC_URL" "$bundle" "$WORK/changed"
done
jq -c '.dsseEnvelope.payload |= (.[0:400] + (if .[400:401] == "A" then "B" else "A" end) + .[401:])' "$bundle" >"$WORK/changed.jsonl"
expect 1 we_verify "$dist/SHA256SUMS" "$WORK/changed.jsonl"
expect_not 0 cosign_verify "$who" "$OIDC_URL" "$WORK/changed.jsonl" "$dist/SHA256SUMS"

say 'install.sh, from a server'
printf '%s\n' "$("$PYTHON" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')" >"$WORK/port"
port=$(<"$WORK/port")
"$PYTHON" -m http.server "$port" --bind 127.0.0.1 --directory "$dist" >"$WORK/http.log" 2>&1 &
echo $! >"$WORK/http.pid"
for _ in $(seq 50); do curl -fs -o /dev/null "http://127.0.0.1:$port/" && break || sleep 0.1; done
expect 0 env ATTEST_RELEASE_URL="http://127.0.0.1:$port" sh "$dist/install.sh" "$WORK/installed"
cmp "$program" "$WORK/installed/attest"

[[ $(id -u) == 0 ]] || {
  say 'not tried: a root file system of its own, which takes root'
  exit 0
}
# within FOLDER COMMAND...: runs it as nobody, with that folder as root file system, which cannot be written, and room in /tmp alone
# if there is one.
within() {
  # shellcheck disable=SC2016
  unshare --mount sh -ec 'folder=$1; shift; mount --bind "$folder" "$folder"; mount -o remount,ro,bind "$folder"
    [ ! -d "$folder/tmp" ] || mount -t tmpfs -o mode=1777 tmpfs "$folder/tmp"
    exec env -i ATTEST_PASSWORD=interop "$(command -v chroot)" --userspec=65532:65532 "$folder" "$@"' sh "$@"
}

say 'a folder with nothing but the program and what is verified'
jail=$WORK/jail
mkdir "$jail"
cp "$program" "$ROOT" "$WORK/key.pub" "$dist/SHA256SUMS" "$bundle" "$jail"
chmod 755 "$jail" && chmod 644 "$jail"/*.* "$jail/SHA256SUMS"
identity=("${identity[@]:0:4}" --trusted-root /trusted_root.json)
expect 0 within "$jail" /attest verify file:/SHA256SUMS --bundle /attest.sigstore.jsonl "${identity[@]}"
expect 1 within "$jail" /attest verify file:/key.pub --bundle /attest.sigstore.jsonl "${identity[@]}"
expect 0 within "$jail" /attest verify "$registry/attest@$index" "${identity[@]}"
expect 1 within "$jail" /attest verify file:/SHA256SUMS --bundle /attest.sigstore.jsonl "${identity[@]:0:4}"
contains "$WORK/out" certificate-untrusted
expect 3 within "$jail" /attest quickstart
mkdir "$jail/tmp"
expect 0 within "$jail" /attest quickstart
contains "$WORK/out" 'Done: what was signed here verified'
# The twin: a program that is not static does not start there.
expect_not 0 within "$jail" /key.pub
cp "$ATTEST" "$jail/dynamic"
if ldd "$ATTEST" | grep -q '=>'; then expect_not 0 within "$jail" /dynamic --version; fi

say 'the image as a root file system'
layer=$(jq -r '.layers[0].digest' "$dist/image/blobs/sha256/${platform#sha256:}")
config=$(jq -r '.config.digest' "$dist/image/blobs/sha256/${platform#sha256:}")
mkdir "$WORK/rootfs"
tar -xzf "$dist/image/blobs/sha256/${layer#sha256:}" -C "$WORK/rootfs"
entry=$(jq -r '.config.Entrypoint[0]' "$dist/image/blobs/sha256/${config#sha256:}")
equal 'user' 65532:65532 "$(jq -r .config.User "$dist/image/blobs/sha256/${config#sha256:}")"
cmp "$program" "$WORK/rootfs$entry"
expect 0 within "$WORK/rootfs" "$entry" admission --help
