#!/usr/bin/env bash
# The audit log and the services that anchor it: Rekor v2 takes its checkpoint, Sigstore's timestamp authority says when it was
# there, and what is kept of both is checked against a trusted root that cosign made.
# needs: sigstore
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
log=$WORK/log
audit() { local at=$1; shift; expect "$at" "$ATTEST" audit --log "$log" "$@"; }
keys() { "$ATTEST" audit --log "$log" keys --format json | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# The one file of the anchors that ends so.
kept() { printf '%s' "$log"/anchors/*."$1"; }
# One bit of a file, near its end.
flip() {
  "$PYTHON" - "$1" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-20] ^= 1
open(sys.argv[1], "wb").write(data)
PY
}

audit 0 init --origin audit.example/interop
audit 0 record decision what=one reason=interop
trusted=(--log-key "$(keys log)" --trusted-root "$ROOT")
audit 0 verify "${trusted[@]}"
contains "$WORK/out" 'not cut      unprovable'

say 'Rekor v2 takes the checkpoint, and the authority timestamps it'
before=$(date +%s)
audit 0 anchor --rekor "$REKOR_V2_URL" --timestamp "$TSA_URL"
contains "$WORK/out" "Rekor v2 at $REKOR_V2_URL entered"
contains "$WORK/out" "the timestamp authority at $TSA_URL timestamped"
audit 0 verify "${trusted[@]}"
contains "$WORK/out" "not cut      conditional  not before record 2, as $REKOR_V2_URL has it"
contains "$WORK/out" 'times true   conditional  the first 2 were there by '
time=$(sed -n 's/^times true .* were there by \([^,]*\), as .*/\1/p' "$WORK/out")
((before - 2 <= $(date -d "$time" +%s) && $(date -d "$time" +%s) <= $(date +%s) + 2)) || fail "the proven time is $time"
say "proven time: $time"
if grep -q 'not counted' "$WORK/out"; then fail 'something does not count'; fi

say 'the log has what is kept, under the key of anchors'
"$PYTHON" - "$SIGSTORE/rekor-v2" "$(kept entry.json)" "$(keys anchor)" <<'PY' || fail 'the log does not have it'
import base64, json, sys

folder, entry, key = sys.argv[1], json.load(open(sys.argv[2])), sys.argv[3]
size = int(open(folder + "/checkpoint").read().splitlines()[1])
data, entries = open(f"{folder}/tile/entries/000.p/{size}", "rb").read(), []
while data:
    length = int.from_bytes(data[:2], "big")
    entries.append(data[2 : 2 + length])
    data = data[2 + length :]
body = entries[int(entry["logIndex"])]
assert body == base64.b64decode(entry["canonicalizedBody"])
assert json.loads(body)["spec"]["hashedRekordV002"]["signature"]["verifier"]["publicKey"]["rawBytes"] == key
PY

say 'and cosign verifies it over the text of the checkpoint'
"$PYTHON" - "$(kept entry.json)" "$(kept checkpoint)" "$(keys anchor)" "$WORK" <<'PY'
import base64, hashlib, json, sys, textwrap

entry, note, key, work = json.load(open(sys.argv[1])), open(sys.argv[2]).read(), sys.argv[3], sys.argv[4]
text = note.split("\n\n")[0] + "\n"
open(work + "/text", "w").write(text)
open(work + "/anchor.pub", "w").write(
    "-----BEGIN PUBLIC KEY-----\n" + "\n".join(textwrap.wrap(key, 64)) + "\n-----END PUBLIC KEY-----\n")
body = json.loads(base64.b64decode(entry["canonicalizedBody"]))["spec"]["hashedRekordV002"]
hint = base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode()
json.dump({
    "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": [entry]},
    "messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": body["data"]["digest"]},
                         "signature": body["signature"]["content"]},
}, open(work + "/entry.bundle", "w"))
PY
printf 'more\n' | cat "$WORK/text" - >"$WORK/another-text"
cosign_entry() { "$BIN/cosign" verify-blob --key "$WORK/anchor.pub" --trusted-root "$ROOT" --bundle "$WORK/entry.bundle" "$WORK/$1"; }
expect 0 cosign_entry text
expect_not 0 cosign_entry another-text

say 'one bit of either is found, and what was kept is found to be whole again'
for kind in tsr entry.json; do
  cp "$(kept $kind)" "$WORK/kept"
  flip "$(kept $kind)"
  audit 1 verify "${trusted[@]}"
  contains "$WORK/out" "$kind was changed"
  cp "$WORK/kept" "$(kept $kind)"
  audit 0 verify "${trusted[@]}"
done

say 'a log and an authority that nobody trusts prove nothing'
"$PYTHON" - "$ROOT" >"$WORK/other.json" <<'PY'
import json, sys
root = json.load(open(sys.argv[1]))
root["tlogs"] = [log for log in root["tlogs"] if "ED25519" not in log["publicKey"]["keyDetails"]]
root["timestampAuthorities"] = []
print(json.dumps(root))
PY
audit 0 verify --log-key "$(keys log)" --trusted-root "$WORK/other.json"
contains "$WORK/out" 'not cut      unprovable'
contains "$WORK/out" 'times true   unprovable'
contains "$WORK/out" 'not counted: anchors/'

say 'a cut log does not fit what the public log has'
cp -a "$log" "$WORK/old"
audit 0 record decision what=two reason=interop
audit 2 anchor --signing-config "$SIGSTORE/signing_config_v1.json"
contains "$WORK/err" 'neither a timestamp authority nor a Rekor v2'
audit 0 anchor --signing-config "$SIGSTORE/signing_config.json"
contains "$WORK/out" '1 of 1 transparency logs entered'
cp "$log"/anchors/*3-* "$WORK/old/anchors/"
log=$WORK/old
audit 1 verify "${trusted[@]}"
contains "$WORK/out" "$REKOR_V2_URL: 3 records were there"

say 'a service that is down is no answer'
bash "$INTEROP/peer/sigstore.sh" stop "$WORK"
log=$WORK/log
audit 3 anchor --rekor "$REKOR_V2_URL" --timeout 2s
audit 0 verify "${trusted[@]}"
