#!/bin/sh
# Packs a program that was built: `release/pack.sh PROGRAM FOLDER` writes FOLDER/attest-TARGET.tar.gz, with manual pages,
# completions, the licence and those of everything that is in the program, and FOLDER/attest-TARGET.cdx.json, its bill of
# materials. Which target, version and commit it is, the program says. The bytes follow from program, sources and time.
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/release/lib.sh"
[ $# -eq 2 ] || fail 'expected a program and a folder'
epoch
temp=$(mktemp -d)
trap 'rm -rf -- "$temp"' EXIT

mkdir -p -- "$2" && out=$(cd -- "$2" && pwd)
program=$(cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")
"$program" --version --format json >"$temp/version.json"
target=$(jq -r .target "$temp/version.json")
features=$(jq -r '.features | join(",")' "$temp/version.json")
name=attest-$target
folder=$temp/$name
mkdir -p "$folder/man" "$folder/completions"

cp -- "$program" "$folder/attest"
cp -- "$root/README.md" "$root/LICENSE" "$folder"
# pages COMMAND...: its page, and those of its commands.
pages() (
  "$program" man "$@" >"$folder/man/$(printf '%s-' attest "$@" | sed 's/-$//').1"
  "$program" "$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | while read -r command; do
    [ "$command" = help ] || pages "$@" "$command"
  done
)
pages
"$program" completions bash >"$folder/completions/attest.bash"
"$program" completions zsh >"$folder/completions/_attest"
"$program" completions fish >"$folder/completions/attest.fish"

# What is in it: cargo's choice of crates for this target and these features, and what it knows of each.
cd -- "$root"
set -- --locked --no-default-features --features "$features"
cargo metadata --format-version 1 --filter-platform "$target" "$@" >"$temp/metadata.json"
cargo tree --edges normal,build --target "$target" --prefix none --format '{p}' "$@" |
  sed 's/^\([^ ]*\) v\([^ ]*\).*/\1@\2/' | sort -u >"$temp/crates"
awk '/^name = /{n=$3} /^version = /{v=$3} /^checksum = /{print n "@" v, $3}' Cargo.lock | tr -d '"' >"$temp/checksums"
libc=
[ "$(jq .static "$temp/version.json")" != true ] || libc=$(getconf GNU_LIBC_VERSION | sed 's/^glibc //')

jq --null-input --sort-keys --from-file release/sbom.jq \
  --slurpfile version "$temp/version.json" --slurpfile metadata "$temp/metadata.json" \
  --rawfile crates "$temp/crates" --rawfile checksums "$temp/checksums" \
  --arg sha256 "$(sum "$program")" --arg rust "$(rustc -vV | sed -n 's/^release: //p')" --arg libc "$libc" \
  --arg compiler "$(cc --version | head -n 1)" >"$temp/sbom.json"

# Whose work it holds.
licences=$folder/licences
mkdir "$licences"
release/notices.sh "$temp/metadata.json" "$temp/crates" >"$licences/crates.txt"
cp -- "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" "$licences/rust-library.html"
if [ -n "$libc" ]; then
  {
    printf 'The C library (glibc %s) is linked into this program. Under its licence, you may put another version in its place:\n' "$libc"
    printf 'the sources of attest and release/build.sh in them make the program anew.\n\n'
    cat /usr/share/doc/libc6/copyright /usr/share/common-licenses/LGPL-2.1
  } >"$licences/glibc.txt"
fi

chmod 755 "$folder/attest"
tarball "$temp" "$name" | gzip -9n >"$temp/archive"
mv -f -- "$temp/archive" "$out/$name.tar.gz"
mv -f -- "$temp/sbom.json" "$out/$name.cdx.json"
