#!/bin/sh
# Makes a release of this commit a second time, in another folder, with another home, user (as root), mask, language and zone,
# and compares every byte with the first: `tests/reproducible.sh FIRST [--changed]`, with what release/build.sh left in the folder
# FIRST. With --changed, one byte of one source file is changed then, and program and image must be others. By hand: each takes as
# long as a release, and 3 GB of $TMPDIR (else /var/tmp).
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
[ $# -ge 1 ] || { echo 'expected the folder of a release, made by release/build.sh' >&2; exit 2; }
first=$(cd -- "$1" && pwd)
commit=$(git -C "$root" rev-parse HEAD)
temp=$(mktemp -d "${TMPDIR:-/var/tmp}/again.XXXXXX")
trap 'rm -rf -- "$temp"' EXIT
trap 'exit 1' HUP INT TERM

home=$temp/somebody/home
mkdir -p "$home"
git clone -q --no-hardlinks -- "$root" "$temp/somebody/other name"
git -C "$temp/somebody/other name" checkout -q "$commit"
# What was downloaded is not downloaded again; unpacked it is, elsewhere. The toolchain is elsewhere, too.
mkdir "$home/crates" && cp -R -- "${CARGO_HOME:-$HOME/.cargo}/registry" "$home/crates" && rm -rf -- "$home/crates/registry/src"
[ ! -f "${CARGO_HOME:-$HOME/.cargo}/config.toml" ] || cp -- "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$home/crates"
sysroot=$(rustc --print sysroot)
mkdir -p "$temp/toolchain/share/doc/rust"
cp -R -- "$sysroot/bin" "$sysroot/lib" "$temp/toolchain"
cp -- "$sysroot/share/doc/rust/COPYRIGHT-library.html" "$temp/toolchain/share/doc/rust"
toolchain=$temp/toolchain/bin
as=
if [ "$(id -u)" = 0 ]; then
  as='setpriv --reuid 65532 --regid 65532 --clear-groups'
  chown -R 65532:65532 "$temp"
fi

# again: makes the release there, to $temp/somebody/again.
again() {
  # shellcheck disable=SC2086
  (cd "$temp/somebody/other name" && umask 077 && $as env -i PATH="$toolchain:$PATH" HOME="$home" CARGO_HOME="$home/crates" \
    LANG=tr_TR.UTF-8 TZ=Asia/Kathmandu CARGO_NET_OFFLINE=true ${ATTEST_BUILD_COMMIT:+ATTEST_BUILD_COMMIT="$ATTEST_BUILD_COMMIT"} \
    sh release/build.sh "$temp/somebody/again")
}
again
diff -r -x '*.sigstore.jsonl' "$first" "$temp/somebody/again"
echo "the same bytes: $(cut -d ' ' -f 1 "$first/SHA256SUMS" | tr '\n' ' ')"
[ "${2:-}" = --changed ] || exit 0

cd "$temp/somebody/other name"
file=src/cli/cmd/describe/version.rs
sed -i 's/commit:   /commit:  :/' "$file"
# What else would differ is given as it was.
ATTEST_BUILD_COMMIT=${ATTEST_BUILD_COMMIT:-$commit}
again
for file in "$first"/attest-*.tar.gz "$first/image/index.json"; do
  if cmp -s "$file" "$temp/somebody/again/${file#"$first/"}"; then echo "a changed source file did not change $file" >&2; exit 1; fi
done
echo 'a changed byte of the source changes them'
