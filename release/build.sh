#!/bin/sh
# Makes a release of this commit for this machine, the same bytes from every folder, by every user, at every time:
#
#   release/build.sh FOLDER [FLAG...]
#
# FOLDER gets the archive with the program, its bill of materials, the image, install.sh, releases.json and SHA256SUMS
# (pack.sh, finish.sh). With flags of `attest create`, such as `--key release.key`, it is signed, too (sign.sh).
#
# The bytes follow from the commit, from the toolchain in lib.sh, and from this machine's C compiler and C library. Without a
# git checkout ATTEST_BUILD_COMMIT and SOURCE_DATE_EPOCH say what it would; ATTEST_BUILD_COMMIT=none makes a program that names no
# commit, of whatever lies here, by whatever toolchain.
#
# On Linux the program is static: it needs no file of the machine that runs it, and so has no PKCS#11, which loads a module's
# library.
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/release/lib.sh"
[ $# -ge 1 ] || fail 'expected a folder for the release'
mkdir -p -- "$1" && out=$(cd -- "$1" && pwd -P)
shift
cd -- "$root"

target=$(rustc -vV | sed -n 's/^host: //p')
case $target in
  *-linux-gnu) flags=-Ctarget-feature=+crt-static features=cli link=-Clink-arg=-Wl,-z,pack-relative-relocs ;;
  *) flags='' features=cli,pkcs11 link= ;;
esac

if [ "${ATTEST_BUILD_COMMIT:-}" = none ]; then
  ATTEST_BUILD_COMMIT=
else
  case $(rustc --version) in "rustc $RUST "*) ;; *) fail "expected rustc $RUST, found $(rustc --version)" ;; esac
  if [ -z "${ATTEST_BUILD_COMMIT:-}" ]; then
    ATTEST_BUILD_COMMIT=$(git rev-parse HEAD 2>/dev/null) || fail 'there is no commit here: ATTEST_BUILD_COMMIT has to name it'
    [ -z "$(git status --porcelain)" ] || fail 'the checkout differs from its commit, so the program would not be that commit'
  fi
fi
export ATTEST_BUILD_COMMIT
epoch

# Paths that compilers write into what they make, with what stands for them. A later one is preferred.
build=${CARGO_TARGET_DIR:-$root/target}
mkdir -p -- "$build" && build=$(cd -- "$build" && pwd -P)
c_flags=
separator=$(printf '\037')
map() { # PATH NAME
  flags="$flags${flags:+$separator}--remap-path-prefix=$1=$2"
  c_flags="$c_flags '-ffile-prefix-map=$1=$2'"
}
map "$root" /attest
map "$build" /attest/target
cargo fetch --quiet --locked --target "$target"
for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do map "$(cd -- "$folder" && pwd -P)" /crates; done
map "$(rustc --print sysroot)/lib/rustlib/src/rust" "/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')"

# Left out, as a program of less than 24 MB does not need it: 0.7 MB of AES-GCM for AVX-512, of which AVX2 has as good a one, and
# searches that SQLite has for texts and maps.
c_flags="$c_flags -DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX"
export LIBSQLITE3_FLAGS='-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE'

# Settings of whoever builds would be in the bytes.
unset RUSTFLAGS CFLAGS CXXFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET
export CARGO_ENCODED_RUSTFLAGS="$flags" CARGO_INCREMENTAL=0
export CC_SHELL_ESCAPED_FLAGS=1 "CFLAGS_$(printf %s "$target" | tr - _)=$c_flags"
# Relocations in few bytes, and one pass over all code: less than 24 MB. Only the program is made so, as nothing else is kept.
cargo rustc --release --locked --no-default-features --features "$features" --target "$target" --bin attest -- \
  -Clto=fat -Ccodegen-units=1 $link

release/pack.sh "$build/$target/release/attest" "$out"
release/finish.sh "$out"
[ $# -eq 0 ] || release/sign.sh "$out" "oci:$out/image" "$@"
