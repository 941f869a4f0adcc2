#!/usr/bin/env bash
# The GitHub Action, run by act: an image in a registry is attested with a key from a secret and verified with a policy; an
# input that tries to be a command stays text. While the registry is down, the outbox keeps what was signed.
# needs: act crane docker-registry jq
set -euo pipefail
source "$INTEROP/lib.sh"

registry=$(start docker-registry)
subject=$(image "$registry/demo/app")
export ATTEST_PASSWORD=a-password-to-keep
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"

checkout "$WORK/checkout"
cd "$WORK/checkout"
mkdir -p .github/workflows action
cp "$INTEROP/../../action.yml" action/action.yml
cp "$WORK/key.pub" key.pub
jq -n --arg glob "$registry/demo/app" '{apiVersion: "agent-attest.github.io/v1", kind: "AttestationPolicy",
  metadata: {name: "action"}, spec: {images: [{glob: $glob}], require: [{signers: [{key: "key.pub"}],
  task: {ids: ["t-1; touch injected"]}}]}}' >policy.json
cat >.github/workflows/build.yml <<YAML
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: attest
        uses: ./action
        with:
          subject: $subject
          key: \${{ secrets.KEY }}
          password: \${{ secrets.PASSWORD }}
          agent: squad/agent
          task: "t-1; touch injected"
          policy: policy.json
          output: $WORK/bundle.json
          binary: $ATTEST
      - run: printf '%s %s\n' '\${{ steps.attest.outputs.digest }}' '\${{ steps.attest.outputs.bundle }}' >$WORK/outputs
      - run: test ! -e injected
YAML
git add -A
git -c user.name=Tester -c user.email=tester@example.org commit -q -m 'Build with the action'

# Secrets come from the environment by name, so that they stand in no file and no argument.
KEY=$(<"$WORK/key.key") PASSWORD=$ATTEST_PASSWORD
export KEY PASSWORD
expect 0 env -u ATTEST_PASSWORD "$BIN/act" push --platform ubuntu-latest=-self-hosted --secret KEY --secret PASSWORD
equal 'outputs' "sha256:${subject#*@sha256:} $WORK/bundle.json" "$(<"$WORK/outputs")"
if grep -qF "$PASSWORD" "$WORK/out" "$WORK/err"; then fail 'the log shows the password'; fi
expect 0 "$ATTEST" verify "$subject" --key "$WORK/key.pub" --agent squad/agent --task 't-1; touch injected'
payload=$(jq -r .dsseEnvelope.payload "$WORK/bundle.json" | base64 -d)
equal 'commit' "$(git rev-parse HEAD)" \
  "$(jq -r .predicate.buildDefinition.externalParameters.source.digest.gitCommit <<<"$payload")"

say 'the registry is down: the step fails, and the outbox keeps what it signed'
# outage NAME LINE: a commit whose workflow attests once more, with one more input.
outage() {
  cat >.github/workflows/build.yml <<YAML
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: attest
        uses: ./action
        with:
          subject: $second
          key: \${{ secrets.KEY }}
          password: \${{ secrets.PASSWORD }}
          output: $WORK/$1.json
          binary: $ATTEST
          $2
      - if: failure()
        run: |
          stat -c %a '\${{ steps.attest.outputs.outbox }}' >$WORK/$1.mode
          cp -r '\${{ steps.attest.outputs.outbox }}' $WORK/$1.outbox
YAML
  git add -A
  git -c user.name=Tester -c user.email=tester@example.org commit -q -m "Build while the registry is down: $1"
  expect 1 env -u ATTEST_PASSWORD "$BIN/act" push --platform ubuntu-latest=-self-hosted --secret KEY --secret PASSWORD
  grep -qF 'error[outbox-kept]' "$WORK/out" "$WORK/err" || fail 'the log does not say that something is kept'
  if grep -qF "$PASSWORD" "$WORK/out" "$WORK/err"; then fail 'the log shows the password'; fi
  equal "mode of the outbox" 700 "$(<"$WORK/$1.mode")"
  equal 'entries' 1 "$(find "$WORK/$1.outbox" -name '*.json' | wc -l)"
}
second=$(image "$registry/demo/second")
kill "$(<"$WORK/docker-registry.pid")"
outage default ''
outage named "outbox: $WORK/named-box"
[[ -d $WORK/named-box ]] || fail 'the outbox is not where it was asked for'

say 'it is back: flush publishes what waits'
"$ATTEST_INTEROP_CACHE/docker-registry/usr/bin/docker-registry" serve "$WORK/docker-registry.yaml" >>"$WORK/docker-registry.log" 2>&1 &
echo $! >"$WORK/docker-registry.pid"
for _ in $(seq 100); do
  "$BIN/crane" digest --insecure "$registry/demo/second:v1" >/dev/null 2>&1 && break
  sleep 0.1
done
chmod 700 "$WORK/default.outbox"
expect 0 "$ATTEST" flush --outbox "$WORK/default.outbox"
expect 0 "$ATTEST" verify "$second" --key "$WORK/key.pub"
