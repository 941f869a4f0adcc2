#!/usr/bin/env bash
# Keys that are not ours to hold: in a PKCS#11 token (SoftHSM2), and behind a program (openssl). What they sign verifies
# here and with cosign; a wrong PIN, a missing object and a wrong token say so.
# needs: softhsm2 openssl cosign jq
set -euo pipefail
source "$INTEROP/lib.sh"

checkout "$WORK/checkout"
cd "$WORK/checkout"
cosign=$BIN/cosign
module=$(find /usr/lib /usr/local/lib -name libsofthsm2.so -print -quit)
[[ $module ]] || skip 'libsofthsm2.so was not found'
mkdir "$WORK/tokens"
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$WORK/tokens" >"$WORK/softhsm2.conf"
export SOFTHSM2_CONF=$WORK/softhsm2.conf
softhsm2-util --init-token --free --label 'a token' --pin 4321 --so-pin 8765 >/dev/null

# key NAME OPENSSL-ARGUMENT...: NAME.pem and NAME.pub
key() {
  openssl genpkey "${@:2}" -out "$WORK/$1.pem" 2>/dev/null
  openssl pkey -in "$WORK/$1.pem" -pubout -out "$WORK/$1.pub"
}
key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
key other -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key ed25519 -algorithm ED25519

# import NAME ID: into the token
import() {
  softhsm2-util --import "$WORK/$1.pem" --token 'a token' --label "$1" --id "$2" --pin 4321 >/dev/null 2>&1
}
import p256 01
import p384 02
import p521 04
keys=(p256 p384 p521)
if import ed25519 03; then keys+=(ed25519); else say 'this SoftHSM2 imports no Ed25519 key: not tried'; fi

uri() { printf 'pkcs11:token=a%%20token;object=%s?module-path=%s' "$1" "$module"; }

# cosign_verifies KEY FILE: keyed bundles without log entry
cosign_verifies() {
  expect 0 "$cosign" verify-blob-attestation --key "$WORK/$1.pub" --bundle "$2.sigstore.json" --insecure-ignore-tlog \
    --type slsaprovenance1 "$2"
}

say 'a token signs, each kind of key'
export ATTEST_PKCS11_PIN=4321
for name in "${keys[@]}"; do
  printf '%s\n' "$name" >"$WORK/$name"
  expect 0 "$ATTEST" create "$WORK/$name" --key "$(uri "$name")" --task t-1 -- true
  expect 0 "$ATTEST" verify "$WORK/$name" --key "$WORK/$name.pub" --task t-1
  expect 1 "$ATTEST" verify "$WORK/$name" --key "$WORK/other.pub"
done
cosign_verifies p256 "$WORK/p256"

say 'the PIN from a file and from the URI, the key by id'
printf '4321\n' >"$WORK/pin"
unset ATTEST_PKCS11_PIN
expect 0 "$ATTEST" create "$WORK/p256" --key "$(uri p256)&pin-source=file:$WORK/pin"
expect 0 env COSIGN_PKCS11_PIN=4321 "$ATTEST" create "$WORK/p384" --key "pkcs11:id=%02?module-path=$module"
expect 0 "$ATTEST" verify "$WORK/p384" --key "$WORK/p384.pub"
expect 0 "$ATTEST" create "$WORK/p256" --key "$(uri p256)&pin-value=4321"
contains "$WORK/out" 'signed: sha256:'

say 'what is wrong is named, and no PIN is shown'
refused() {
  local code=$1
  shift
  expect 2 "$@"
  contains "$WORK/err" "error[$code]"
  if grep -q 9999 "$WORK/err"; then fail "a PIN is shown: $(<"$WORK/err")"; fi
}
refused password-needed "$ATTEST" create "$WORK/p256" --key "$(uri p256)"
refused password-wrong "$ATTEST" create "$WORK/p256" --key "$(uri p256)&pin-value=9999"
refused password-wrong env ATTEST_PKCS11_PIN=9999 "$ATTEST" create "$WORK/p256" --key "$(uri p256)"
export ATTEST_PKCS11_PIN=4321
refused key-unreadable "$ATTEST" create "$WORK/p256" --key "$(uri absent)"
contains "$WORK/err" 'expected one private key, found none'
refused key-unreadable "$ATTEST" create "$WORK/p256" --key "pkcs11:token=other;object=p256?module-path=$module"
contains "$WORK/err" 'expected one token, found none'
refused key-unreadable "$ATTEST" create "$WORK/p256" --key 'pkcs11:object=p256?module-path=/no/such/module.so'

say 'the signer of the examples, with openssl'
# A program of the checkout signs nothing; a link to it would not either.
cp "$INTEROP/../../examples/exec-signer.sh" "$WORK/exec-signer.sh"
signer="exec:$WORK/exec-signer.sh"
for name in p256 p384 p521; do
  printf 'exec\n' >"$WORK/exec-$name"
  expect 0 "$ATTEST" create "$WORK/exec-$name" --key "$signer $WORK/$name.pem" --task t-2 -- true
  expect 0 "$ATTEST" verify "$WORK/exec-$name" --key "$WORK/$name.pub" --task t-2
  expect 1 "$ATTEST" verify "$WORK/exec-$name" --key "$WORK/other.pub"
done
cosign_verifies p256 "$WORK/exec-p256"
expect 3 "$ATTEST" create "$WORK/exec-p256" --key "$signer $WORK/absent.pem"
contains "$WORK/err" 'error[signing-unavailable]'

say 'a signer that hangs, answers garbage, or signs with another key than it names'
# broken NAME SHELL: a signer that names its key rightly, and answers to what it should sign with SHELL.
broken() {
  cat >"$WORK/$1.sh" <<SIGNER
#!/bin/sh
question=\$(cat)
case \$question in
*public-key*) printf '%s' "\$question" | sh "$INTEROP/../../examples/exec-signer.sh" "$WORK/p256.pem" ;;
*) $2 ;;
esac
SIGNER
  chmod +x "$WORK/$1.sh"
  printf '%s\n' "$1" >"$WORK/$1"
}
# said NAME CODE: the answer to it
said() {
  expect 3 "$ATTEST" create "$WORK/$1" --key "exec:$WORK/$1.sh"
  contains "$WORK/err" "error[$2]"
  [[ ! -e $WORK/$1.sigstore.json ]] || fail 'a bundle was written'
}
broken hangs "sleep 300 & echo \$! >$WORK/hangs.child; wait"
began=$SECONDS
"$ATTEST" create "$WORK/hangs" --key "exec:$WORK/hangs.sh" >"$WORK/hangs.out" 2>&1 </dev/null &
hanging=$!
broken garbage 'head -c 200 /dev/urandom'
said garbage signing-answer-malformed
broken silent 'exit 0'
said silent signing-answer-malformed
broken other "printf '%s' \"\$question\" | sh $INTEROP/../../examples/exec-signer.sh $WORK/other.pem"
said other signing-key-mismatch
broken replays "printf '{\"signature\":\"%s\"}' \"\$(printf x | openssl dgst -sha256 -sign $WORK/p256.pem | openssl base64 -A)\""
said replays signing-key-mismatch
code=0
wait "$hanging" || code=$?
equal 'exit code after a minute of silence' 3 "$code"
contains "$WORK/hangs.out" 'error[signing-unavailable]'
((SECONDS - began >= 50)) || fail "it was given up after $((SECONDS - began)) s"
for _ in 1 2 3 4 5; do kill -0 "$(<"$WORK/hangs.child")" 2>/dev/null && sleep 1; done
if kill -0 "$(<"$WORK/hangs.child")" 2>/dev/null; then fail 'what the signer started is still running'; fi
say "$(sed -n 's/^error/error/p' "$WORK/hangs.out")"
