#!/bin/sh
# Makes a whole of what pack.sh wrote for one target or several: `release/finish.sh FOLDER` adds to FOLDER the image (image/, of
# those that are for Linux), install.sh, releases.json, which the next commit's action/releases.json is made of, and SHA256SUMS.
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/release/lib.sh"
[ $# -eq 1 ] || fail 'expected a folder'
epoch
cd -- "$1"
rm -rf -- image
for archive in attest-*.tar.gz; do
  [ -f "$archive" ] || fail "there is no archive in $1"
  case $archive in *-linux-*) "$root/release/image.sh" "$archive" image ;; esac
done
cp -- "$root/install.sh" install.sh

version=v$(jq -r .metadata.component.version "$(ls attest-*.cdx.json | head -n 1)")
# One row a line: action/install.sh reads it by lines. Older releases stay behind the new one.
rows() {
  for archive in attest-*.tar.gz; do
    target=${archive#attest-}
    printf '  { "version": "%s", "target": "%s", "url": "%s", "sha256": "%s" }\n' "$version" "${target%.tar.gz}" \
      "https://github.com/agent-attest/attest/releases/download/$version/$archive" "$(sum "$archive")"
  done
  sed -n 's/^\(  { "version": .* }\),*$/\1/p' "$root/action/releases.json" | grep -v "\"version\": \"$version\"" || :
}
printf '{ "releases": [\n%s\n] }\n' "$(rows | sed '$!s/$/,/')" >releases.json

for file in attest-*.tar.gz attest-*.cdx.json install.sh releases.json; do
  printf '%s  %s\n' "$(sum "$file")" "$file"
done >SHA256SUMS
