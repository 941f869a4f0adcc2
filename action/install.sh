#!/bin/sh
# Installs attest for the Action: `action/install.sh FOLDER` makes FOLDER/attest, writes nowhere else but to a runner's tool cache, and
# runs nothing that it downloads. The archive is the first that releases.json beside this script lists for this machine (and
# $ATTEST_VERSION), or the one of that name in the folder $ATTEST_RELEASE_URL; it must have the digest that is listed. Where none is
# listed, attest is built from source. $ATTEST_BINARY is a program that is there, to use instead.
set -eu
unset CDPATH
here=$(cd -- "$(dirname -- "$0")" && pwd)
ATTEST_INSTALL_PARTS=only
. "$here/../install.sh"

[ $# -eq 1 ] || fail 'expected one argument, the folder to install to'
begin "$1"
if [ -n "${ATTEST_BINARY:-}" ]; then
  [ -z "${ATTEST_VERSION:-}${ATTEST_RELEASE_URL:-}" ] || fail 'the inputs binary and version or release-url contradict each other'
  found=$(command -v -- "$ATTEST_BINARY") || fail "the binary $ATTEST_BINARY is no program that is here"
  case $found in /*) ;; *) found=$PWD/$found ;; esac
  ln -s -- "$found" "$temp/attest" && place "$temp/attest" && exit 0
fi

version=${ATTEST_VERSION:-}
case $version in *[!A-Za-z0-9.+-]*) fail 'the version is none: expected one such as v1.2.3' ;; esac
row="\"version\": *\"${version:-[^\"]*}\", *\"target\": *\"$target\", *\"url\": *\"\([^\" ]*\)\", *\"sha256\": *\"\([0-9a-f]\{64\}\)\""
listed=$(sed -n "s/.*$row.*/\1 \2/p" "$here/releases.json" | head -n 1) && url=${listed% *} want=${listed#* }
if [ -z "$url" ]; then
  [ -z "$version" ] && [ -f "$here/../Cargo.toml" ] || fail "there is no release ${version:+$version }of attest for $machine"
  echo "There is no release of attest for $machine: it is built from source, which takes five to ten minutes on two cores"
  (cd "$here/.." && cargo build --release --locked --target-dir "$folder/build") || fail 'attest could not be built from source'
  cp -- "$folder/build/release/attest" "$temp/attest" && place "$temp/attest" && exit 0
fi

url=${ATTEST_RELEASE_URL:-${url%/*}}/${url##*/} archive=$temp/archive cached=${RUNNER_TOOL_CACHE:+$RUNNER_TOOL_CACHE/attest/$want.tar.gz}
if [ -f "$cached" ] && [ "$(sum "$cached")" = "$want" ]; then archive=$cached; else
  fetch "$url" "$archive"
  holds "$archive" "$url" "$want"
  # A cache that cannot be written is none.
  [ -z "$cached" ] || { mkdir -p -- "${cached%/*}" && cp -- "$archive" "$cached.$$" && mv -f -- "$cached.$$" "$cached"; } 2>/dev/null || :
fi
unpack "$archive" "$url"
