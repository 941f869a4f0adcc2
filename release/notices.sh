#!/bin/sh
# Prints who holds the rights in the crates of a program, and under which licences: `release/notices.sh METADATA CRATES`, with
# what `cargo metadata` says and a list of NAME@VERSION. Each text is one that a crate brings, printed once for all that do.
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/release/lib.sh"
[ $# -eq 2 ] || fail 'expected what cargo says of crates, and a list of those that are meant'
temp=$(mktemp -d)
trap 'rm -rf -- "$temp"' EXIT

jq -r --rawfile crates "$2" '($crates | split("\n")) as $meant | .packages
  | map(select("\(.name)@\(.version)" as $crate | $meant | index($crate)) | select(.source)) | sort_by(.name, .version)[]
  | [.name + " " + .version, .license // "", (.authors | join(", ")), (.manifest_path | rtrimstr("/Cargo.toml"))] | join("|")' \
  "$1" >"$temp/packages"

while IFS='|' read -r crate licence authors folder; do
  printf '%s: %s%s\n' "$crate" "$licence" "${authors:+ ($authors)}" >>"$temp/table"
  (cd -- "$folder" && find . -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'copyright*' \
    -o -iname 'unlicense*' \) ! -name '*.rs' ! -name '*.c' ! -name '*.h' ! -name '*.py' ! -path '*/tests/*' \
    -exec $sha256 {} + | sort -k 2) >"$temp/files"
  [ -n "$licence" ] || [ -s "$temp/files" ] || fail "$crate names no licence and brings none"
  while read -r text file; do
    [ -f "$temp/$text" ] || cp -- "$folder/$file" "$temp/$text"
    printf '%s\t%s, %s\n' "$text" "$crate" "${file#./}" >>"$temp/brought"
  done <"$temp/files"
done <"$temp/packages"

printf 'attest holds the work of others. Each of these crates, its licence and its authors:\n\n'
cat "$temp/table"
printf '\nThe texts that they bring:\n'
# In the order of the first crate that brings each.
cut -f 1 "$temp/brought" | awk '!seen[$0]++' | while read -r text; do
  printf '\n%s\n' '--------------------------------------------------------------------------------'
  grep "^$text" "$temp/brought" | cut -f 2
  printf '\n'
  tr -d '\r' <"$temp/$text"
  printf '\n'
done
