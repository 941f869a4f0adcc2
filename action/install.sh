#!/bin/sh
# Installs attest: `install.sh FOLDER` makes FOLDER/attest, writes nowhere else but to a runner's tool cache, and runs nothing that
# it downloads. The archive is the first that releases.json beside this script lists for this machine (and $ATTEST_VERSION), or the
# one of that name in the folder $ATTEST_RELEASE_URL; it must have the digest that is listed. Where there is no such list, the digest
# is $ATTEST_SHA256, or what SHA256SUMS in that folder says. $ATTEST_BINARY is a program that is there, to use instead.
set -eu
umask 022
fail() { printf '%s' "install.sh: $*" | tr '\r\n' '  ' >&2 && echo >&2 && exit 3; }
[ $# -eq 1 ] || fail 'expected one argument, the folder to install to'
here=$(cd -- "$(dirname -- "$0")" && pwd) folder=$1 machine="$(uname -s) on $(uname -m)"
mkdir -p -- "$folder" && folder=$(cd -- "$folder" && pwd) && temp=$(mktemp -d "$folder/.attest.XXXXXX") || fail "cannot write to the folder $folder"
trap 'rm -rf -- "$temp"' EXIT
install_as() { mv -f -- "$1" "$folder/attest" || fail "cannot write $folder/attest"; }
if [ -n "${ATTEST_BINARY:-}" ]; then
  [ -z "${ATTEST_VERSION:-}${ATTEST_RELEASE_URL:-}" ] || fail 'the inputs binary and version or release-url contradict each other'
  found=$(command -v -- "$ATTEST_BINARY") || fail "the binary $ATTEST_BINARY is no program that is here"
  case $found in /*) ;; *) found=$PWD/$found ;; esac
  ln -s -- "$found" "$temp/attest" && install_as "$temp/attest" && exit 0
fi
case $machine in
  'Linux on x86_64') target=x86_64-unknown-linux-gnu ;;
  'Linux on aarch64' | 'Linux on arm64') target=aarch64-unknown-linux-gnu ;;
  'Darwin on arm64') target=aarch64-apple-darwin ;;
  *) target=unknown ;;
esac
sum() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi <"$1" | cut -c 1-64; }
fetch() { # URL FILE: no redirect leads to another scheme
  case $1 in https://* | http://127.0.0.1:*) ;; *) fail "expected an address of https, found $1" ;; esac
  curl -fsSL --proto "=${1%%:*}" --proto-redir "=${1%%:*}" --connect-timeout 20 --max-time 600 --retry 2 -o "$2" -- "$1" ||
    fail "cannot download $1"
}
url='' want=${ATTEST_SHA256:-} version=${ATTEST_VERSION:-}
case $version in *[!A-Za-z0-9.+-]*) fail 'the version is none: expected one such as v1.2.3' ;; esac
if [ -f "$here/releases.json" ]; then
  row="\"version\": *\"${version:-[^\"]*}\", *\"target\": *\"$target\", *\"url\": *\"\([^\" ]*\)\", *\"sha256\": *\"\([0-9a-f]\{64\}\)\""
  listed=$(sed -n "s/.*$row.*/\1 \2/p" "$here/releases.json" | head -n 1) && url=${listed% *} want=${listed#* }
elif [ -n "${ATTEST_RELEASE_URL:-}" ]; then
  url=attest-$target.tar.gz
  [ -n "$want" ] || { fetch "$ATTEST_RELEASE_URL/SHA256SUMS" "$temp/sums" && want=$(sed -n "s/ [ *]$url\$//p" "$temp/sums"); }
fi
if [ -z "$url" ]; then
  [ -z "$version" ] && [ -f "$here/../Cargo.toml" ] || fail "there is no release ${version:+$version }of attest for $machine"
  echo "There is no release of attest for $machine: it is built from source, which takes five to ten minutes on two cores"
  (cd "$here/.." && cargo build --release --locked --target-dir "$folder/build") || fail 'attest could not be built from source'
  cp -- "$folder/build/release/attest" "$temp/attest" && install_as "$temp/attest" && exit 0
fi
case $want in *[!0-9a-f]* | '') fail "no digest is known of ${url##*/}" ;; esac
url=${ATTEST_RELEASE_URL:-${url%/*}}/${url##*/} archive=$temp/archive cached=${RUNNER_TOOL_CACHE:+$RUNNER_TOOL_CACHE/attest/$want.tar.gz}
if [ -f "$cached" ] && [ "$(sum "$cached")" = "$want" ]; then archive=$cached; else
  fetch "$url" "$archive" && found=$(sum "$archive")
  [ "$found" = "$want" ] || fail "$url is another file than is listed: expected sha256 $want, found $found"
  # A cache that cannot be written is none.
  [ -z "$cached" ] || { mkdir -p -- "${cached%/*}" && cp -- "$archive" "$cached.$$" && mv -f -- "$cached.$$" "$cached"; } 2>/dev/null || :
fi
mkdir "$temp/out" && tar -xzf "$archive" -C "$temp/out" || fail "$url cannot be unpacked"
found=$(find "$temp/out" -type f -name attest | head -n 1) && [ -n "$found" ] || fail "$url holds no attest"
chmod 755 "$found" && install_as "$found"
