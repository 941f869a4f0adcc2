#!/bin/sh
# Attests a release with the program that is in it: `release/sign.sh FOLDER IMAGE [FLAG...]`. FOLDER is what finish.sh left; IMAGE
# is where its image is, oci:FOLDER/image or a repository that it was pushed to; the flags are those of `attest create` that say
# what signs (`--key REF`; none in a CI system that gives its jobs an identity).
#
# attest.sigstore.jsonl of the folder is about SHA256SUMS and all files that it lists. Attached to the image are provenance of the
# index and of each platform's image, and to the latter the bill of materials of its program.
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/release/lib.sh"
[ $# -ge 2 ] || fail 'expected a folder and an image'
out=$(cd -- "$1" && pwd) image=$2
shift 2
cd -- "$root"
temp=$(mktemp -d)
trap 'rm -rf -- "$temp"' EXIT

# The program of this machine's archive: those of other targets do not start.
attest=$temp/attest
for archive in "$out"/attest-*.tar.gz; do
  "$tar" --extract --gzip --file="$archive" --directory="$temp" --strip-components=1
  if "$attest" --version >/dev/null 2>&1; then break; fi
  rm -- "$attest"
done
[ -f "$attest" ] || fail 'no program of this release starts on this machine'
"$attest" create "$out/SHA256SUMS" "file:$out/SHA256SUMS" --output "$out/attest.sigstore.jsonl" "$@"

blob() { cat -- "$out/image/blobs/sha256/${1#sha256:}"; }
index=$(jq -r '.manifests[0].digest' "$out/image/index.json")
"$attest" create "$image@$index" "$@"
blob "$index" | jq -r '.manifests[] | "\(.digest) \(.platform.architecture)"' | while read -r digest architecture; do
  case $architecture in amd64) target=x86_64-unknown-linux-gnu ;; arm64) target=aarch64-unknown-linux-gnu ;; esac
  "$attest" create "$image@$digest" "$@" </dev/null
  "$attest" create "$image@$digest" --predicate "$out/attest-$target.cdx.json" --predicate-type cyclonedx "$@" </dev/null
done
