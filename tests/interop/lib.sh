# shellcheck shell=bash
# What every interop case uses. Sourced, never run: `source "$INTEROP/lib.sh"`.
#
# A case is given: ATTEST (the binary), CONFORMANCE (the example of that name), INTEROP (this folder), WORK (an empty folder of its own, removed afterwards),
# BIN (where the peers' programs are), PYTHON and, when its header names several, PEER (the one of this round).
# Exit code 77 says "skipped"; the last line of standard error then says why.

say() { printf '  %s\n' "$*"; }

fail() {
  printf '  FAILED: %s\n' "$*" >&2
  exit 1
}

skip() {
  printf '%s\n' "$*" >&2
  exit 77
}

# expect CODE COMMAND...: runs it, keeps its output in $WORK/out and $WORK/err, and insists on the exit code.
expect() {
  local want=$1 got=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || got=$?
  if [[ $got != "$want" ]]; then
    printf '  --- standard output\n%s\n  --- standard error\n%s\n' "$(head -c 4000 "$WORK/out")" \
      "$(head -c 4000 "$WORK/err")" >&2
    fail "exit code $want expected, $got found: $(shown "$@")"
  fi
  say "exit $got: $(shown "$@")"
}

# The command as a reader wants to see it: without the folders of this run.
shown() {
  local text="$*"
  text=${text//"$WORK/"/}
  text=${text//"$BIN/"/}
  text=${text//"$INTEROP/server/"/}
  text=${text//"$ATTEST_INTEROP_CACHE/python-sigstore/bin/"/}
  text=${text//"$PYTHON"/python3}
  text=$(sed -E 's/eyJ[A-Za-z0-9_.-]+/TOKEN/g' <<<"$text")
  printf '%s' "${text//"$ATTEST"/attest}"
}

# equal WHAT EXPECTED FOUND
equal() {
  [[ $2 == "$3" ]] || fail "$1: expected '$2', found '$3'"
  say "$1: $3"
}

# contains FILE TEXT
contains() {
  grep -qF -- "$2" "$1" || fail "$(basename "$1") does not contain '$2': $(head -c 2000 "$1")"
}

# start PEER ARGUMENT...: starts a server for this case and prints its address; the runner stops it.
start() { bash "$INTEROP/peer/$1.sh" start "$WORK" "${@:2}"; }

# serve SCRIPT ARGUMENT...: starts one of server/*.py and prints its address; the runner stops it.
serve() {
  local name=$1
  shift
  "$PYTHON" "$INTEROP/server/$name.py" "$WORK/$name.address" "$@" >"$WORK/$name.log" 2>&1 &
  echo $! >"$WORK/$name.pid"
  local _
  for _ in $(seq 100); do
    [[ -s $WORK/$name.address ]] && {
      cat "$WORK/$name.address"
      return
    }
    sleep 0.1
  done
  fail "$name did not start: $(cat "$WORK/$name.log")"
}

# checkout FOLDER: a git checkout with one commit and a remote, for `attest create` to capture.
checkout() {
  git init -q -b main "$1"
  printf 'hello\n' >"$1/hello.txt"
  git -C "$1" remote add origin https://github.com/acme/app.git
  git -C "$1" add hello.txt
  git -C "$1" -c user.name=Tester -c user.email=tester@example.org commit -q -m 'Say hello'
}

# image REPOSITORY: pushes a one-layer image with crane and prints REPOSITORY@DIGEST.
image() {
  if [[ ! -f $WORK/layer.tar ]]; then
    printf 'content\n' >"$WORK/content.txt"
    tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$WORK" -cf "$WORK/layer.tar" content.txt
  fi
  "$BIN/crane" append --insecure --oci-empty-base -f "$WORK/layer.tar" -t "$1:v1" >"$WORK/crane.out" 2>"$WORK/crane.err" ||
    fail "crane append: $(cat "$WORK/crane.err")"
  printf '%s@%s' "$1" "$("$BIN/crane" digest --insecure "$1:v1")"
}

# cosign's signing configuration that names no service at all: a key, and nothing else.
signing_config() {
  printf '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}' >"$1"
}

# expect_not CODE COMMAND...: as expect, for programs whose refusals have any exit code.
expect_not() {
  local unwanted=$1 got=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || got=$?
  [[ $got != "$unwanted" ]] || fail "exit code other than $unwanted expected: $(shown "$@")"
  say "exit $got: $(shown "$@")"
}

# sigstore: starts a whole Sigstore. Sets SIGSTORE (its folder, see peer/sigstore.sh), ROOT and the URLs.
sigstore() {
  SIGSTORE=$WORK/sigstore
  ROOT=$SIGSTORE/trusted_root.json
  SIGSTORE_PYTHON=$ATTEST_INTEROP_CACHE/python-sigstore/bin/sigstore
  start sigstore
  # shellcheck disable=SC1091
  source "$SIGSTORE/env"
  say "a Sigstore: OIDC $OIDC_URL, Fulcio $FULCIO_URL, Rekor v2 $REKOR_V2_URL, Rekor v1 $REKOR_V1_URL, TSA $TSA_URL"
}

# token WHO: a token of an e-mail address, or of claims in JSON.
token() { bash "$INTEROP/peer/sigstore.sh" token "$WORK" "$1"; }

# actions_claims: what the runner's token service says from now on: the release workflow of acme/app at $COMMIT.
actions_claims() {
  "$PYTHON" - "${COMMIT:-1111111111111111111111111111111111111111}" "$SIGSTORE/oidc.key.claims" <<'PY'
import json, sys

commit, path = sys.argv[1:]
workflow = "acme/app/.github/workflows/release.yml@refs/heads/main"
claims = {
    "sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app", "repository_id": "101", "repository_owner": "acme",
    "repository_owner_id": "7", "repository_visibility": "public", "ref": "refs/heads/main", "ref_type": "branch",
    "sha": commit, "workflow": "release", "workflow_ref": workflow, "workflow_sha": commit, "job_workflow_ref": workflow,
    "job_workflow_sha": commit, "event_name": "push", "run_id": "5001", "run_attempt": "1",
    "runner_environment": "github-hosted", "actor": "alice", "actor_id": "3",
}
json.dump(claims, open(path, "w"))
PY
}

# curl_token: a token as a workflow asks its runner for one.
curl_token() {
  "$PYTHON" -c 'import json, sys, urllib.request as r
q = r.Request(sys.argv[1] + "/token?audience=sigstore", headers={"Authorization": "Bearer runner"})
print(json.load(r.urlopen(q))["value"])' "$ACTIONS_URL"
}

# cosign_verify IDENTITY ISSUER BUNDLE FILE
cosign_verify() {
  "$BIN/cosign" verify-blob-attestation --new-bundle-format --trusted-root "$ROOT" --certificate-identity "$1" \
    --certificate-oidc-issuer "$2" --type slsaprovenance1 --bundle "$3" "$4"
}

# python_verify IDENTITY ISSUER BUNDLE FILE
python_verify() {
  "$SIGSTORE_PYTHON" --trust-config "$SIGSTORE/client_trust.json" verify identity --cert-identity "$1" \
    --cert-oidc-issuer "$2" --bundle "$3" "$4"
}

# js_verify BUNDLE [KEY]: prints the identity.
js_verify() { bash "$INTEROP/peer/sigstore-js.sh" verify "$ROOT" "$@"; }
