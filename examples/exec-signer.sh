#!/bin/sh
# Signs for attest with a key that openssl reads: attest create ... --key "exec:/usr/local/bin/exec-signer.sh key.pem"
# docs/exec-signer.md describes what is asked and answered. A key management service takes openssl's place below.
set -eu
key=$1
question=$(cat)
case $question in
*'"operation":"public-key"'*)
  pem=$(openssl pkey -in "$key" -pubout)
  printf '{"publicKey":"%s"}\n' "$(printf '%s\n' "$pem" | awk '{ printf "%s\\n", $0 }')"
  ;;
*'"operation":"sign"'*)
  case $question in *'"algorithm":"ecdsa-p384-sha384"'*) hash=sha384 ;; *'"algorithm":"ecdsa-p521-sha512"'*) hash=sha512 ;; *) hash=sha256 ;; esac
  payload=$(printf '%s' "$question" | sed 's/.*"payload":"\([^"]*\)".*/\1/')
  signature=$(printf '%s' "$payload" | openssl base64 -d -A | openssl dgst -"$hash" -sign "$key" | openssl base64 -A)
  printf '{"signature":"%s"}\n' "$signature"
  ;;
*) echo '{"error":"a question that this signer does not know"}' ;;
esac
