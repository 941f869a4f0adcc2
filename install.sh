#!/bin/sh
# Installs attest on Linux or macOS: `sh install.sh FOLDER` makes FOLDER/attest. It runs nothing that it downloads, and writes nowhere
# but to FOLDER. The program comes from the newest release, or from that of $ATTEST_VERSION (such as v1.2.3), or from a mirror's
# folder with a release's files, $ATTEST_RELEASE_URL. Its archive must have the digest $ATTEST_SHA256, or else the one that SHA256SUMS
# beside it says. Who made it, `attest verify` tells of attest.sigstore.jsonl beside it. Needs curl, tar and gzip.
set -eu && umask 022 && unset CDPATH
releases=https://github.com/agent-attest/attest/releases
fail() { printf '%s' "install.sh: $*" | tr '\r\n' '  ' >&2 && echo >&2 && exit 3; }
machine="$(uname -s) on $(uname -m)"
case $machine in
  'Linux on x86_64') target=x86_64-unknown-linux-gnu ;;
  'Linux on aarch64' | 'Linux on arm64') target=aarch64-unknown-linux-gnu ;;
  'Darwin on arm64') target=aarch64-apple-darwin ;;
  *) target=unknown ;;
esac
sum() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi <"$1" | cut -c 1-64; }
# fetch URL FILE: no redirect leads to another scheme.
fetch() {
  case $1 in https://* | http://127.0.0.1:*) ;; *) fail "expected an address of https, found $1" ;; esac
  command -v curl >/dev/null || fail 'curl is needed'
  curl -fsSL --proto "=${1%%:*}" --proto-redir "=${1%%:*}" --connect-timeout 20 --max-time 600 --retry 2 -o "$2" -- "$1" ||
    fail "cannot download $1"
}
# begin FOLDER: sets folder, and temp within it, which goes at the end.
begin() {
  folder=$1
  mkdir -p -- "$folder" && folder=$(cd -- "$folder" && pwd) && temp=$(mktemp -d "$folder/.attest.XXXXXX") ||
    fail "cannot write to the folder $1"
  trap 'rm -rf -- "$temp"' EXIT
  trap 'exit 3' HUP INT TERM
}
place() { [ ! -d "$folder/attest" ] && mv -f -- "$1" "$folder/attest" || fail "cannot write $folder/attest"; }
# holds ARCHIVE URL DIGEST: that it is what it has to be.
holds() {
  found=$(sum "$1") && [ "$found" = "$3" ] || fail "$2 is another file than is listed: expected sha256 $3, found $found"
}
# unpack ARCHIVE URL: takes the program out of it, and nothing else: no name in it is ever an argument of tar's.
unpack() {
  member=attest-$target/attest && tar -tzf "$1" | grep -Fxq -- "$member" || fail "$2 holds no $member"
  tar -xzOf "$1" -- "$member" >"$temp/attest" && chmod 755 "$temp/attest" || fail "$2 cannot be unpacked to $folder"
  [ -s "$temp/attest" ] && place "$temp/attest" || fail "$2 holds no program $member: it is empty, or a link"
}
main() {
  [ $# -eq 1 ] || fail 'expected one argument, the folder to install to'
  [ "$target" != unknown ] || fail "there is no release of attest for $machine"
  version=${ATTEST_VERSION:-} want=${ATTEST_SHA256:-} archive=attest-$target.tar.gz
  case $version in *[!A-Za-z0-9.+-]*) fail 'the version is none: expected one such as v1.2.3' ;; esac
  from=${ATTEST_RELEASE_URL:-$releases/${version:+download/$version}}
  [ "$from" != "$releases/" ] || from=$releases/latest/download
  begin "$1"
  [ -n "$want" ] || { fetch "$from/SHA256SUMS" "$temp/sums" && want=$(awk -v a="$archive" '$2 == a || $2 == "*" a { print $1 }' "$temp/sums"); }
  case $want in *[!0-9a-f]* | '') fail "no digest is known of $archive" ;; esac
  fetch "$from/$archive" "$temp/archive"
  holds "$temp/archive" "$from/$archive" "$want"
  unpack "$temp/archive" "$from/$archive"
  echo "installed $folder/attest, from $from/$archive with sha256 $want"
}

# The Action takes the parts. A script that was cut off on its way comes to no end that does anything.
[ "${ATTEST_INSTALL_PARTS:-}" = only ] || main "$@"
