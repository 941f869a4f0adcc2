# shellcheck shell=sh
# What the scripts of this folder share. Sourced; the script that does so has set `root`.
# Needs: jq, GNU tar and gzip (as tar and gzip, or gtar), sha256sum or shasum.

# The toolchain that releases are built with: another one makes other bytes.
# shellcheck disable=SC2034
RUST=1.95.0

# An order of names and a language that are the same everywhere.
export LC_ALL=C TZ=UTC
umask 022

fail() {
  printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
  exit 1
}

for program in tar gtar; do
  case $("$program" --version 2>/dev/null) in *'GNU tar'*) tar=$program ;; esac
done
[ -n "${tar:-}" ] || fail 'GNU tar is needed: others cannot be told which order and owners to write'
command -v jq >/dev/null || fail 'jq is needed'

if command -v sha256sum >/dev/null; then sha256=sha256sum; else sha256='shasum -a 256'; fi
# sum FILE: its sha256 in hexadecimal.
sum() { $sha256 <"$1" | cut -c 1-64; }

# epoch: the time that everything in a release has, in seconds: that of the commit, or SOURCE_DATE_EPOCH.
epoch() {
  [ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2>/dev/null) ||
    fail 'there is no commit here: SOURCE_DATE_EPOCH has to say the time of the release, in seconds since 1970'
  case $SOURCE_DATE_EPOCH in '' | *[!0-9]*) fail "SOURCE_DATE_EPOCH: expected seconds since 1970, found $SOURCE_DATE_EPOCH" ;; esac
  export SOURCE_DATE_EPOCH
}

# tarball FOLDER NAME...: what lies in FOLDER under these names, as a tar on standard output whose bytes follow from the files alone.
tarball() {
  from=$1
  shift
  "$tar" --create --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --mode='u=rwX,go=rX' --directory="$from" -- "$@"
}
