#!/usr/bin/env bash
# Both GitHub Actions, run by act: an image in a registry is attested with a key from a secret, verified with a policy, and
# verified again by the other action; an input that tries to be a command stays text; globs and checksum files name files; a job
# without an identity is told what to add. While the registry is down, the outbox keeps what was signed.
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
cp -r "$INTEROP/../../action.yml" "$INTEROP/../../action" "$INTEROP/../../install.sh" "$INTEROP/../../verify" action
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
      - run: |
          printf '%s\n' '\${{ steps.attest.outputs.digest }}' '\${{ steps.attest.outputs.bundle }}' \
            '\${{ steps.attest.outputs.decision }}' >$WORK/outputs
          cp '\${{ steps.attest.outputs.summary }}' $WORK/summary.md
          cp "\$RUNNER_TEMP/created_attestation_paths.txt" $WORK/paths
      - run: test ! -e injected
      - id: verify
        uses: ./action/verify
        with:
          image: ${subject%@*}
          digest: ${subject#*@}
          policy: policy.json
          junit: $WORK/junit.xml
          binary: $ATTEST
      - run: echo '\${{ steps.verify.outputs.decision }}' >>$WORK/outputs
      - run: |
          mkdir dist
          for n in 1 2 3; do echo \$n >dist/file-\$n; done
          (cd dist && sha256sum file-1 file-2 >SHA256SUMS)
      - uses: ./action
        with:
          subject-path: dist/file-*
          key: \${{ secrets.KEY }}
          password: \${{ secrets.PASSWORD }}
          public-key: key.pub
          output: $WORK/files.json
          binary: $ATTEST
      - uses: ./action
        with:
          subject-checksums: dist/SHA256SUMS
          key: \${{ secrets.KEY }}
          password: \${{ secrets.PASSWORD }}
          output: $WORK/sums.json
          binary: $ATTEST
YAML
git add -A
git -c user.name=Tester -c user.email=tester@example.org commit -q -m 'Build with the action'

# Secrets come from the environment by name, so that they stand in no file and no argument.
KEY=$(<"$WORK/key.key") PASSWORD=$ATTEST_PASSWORD
export KEY PASSWORD
expect 0 env -u ATTEST_PASSWORD "$BIN/act" push --platform ubuntu-latest=-self-hosted --secret KEY --secret PASSWORD
equal 'outputs' "$(printf '%s\n' "${subject#*@}" "$WORK/bundle.json" allow allow)" "$(<"$WORK/outputs")"
equal 'paths' "$WORK/bundle.json" "$(<"$WORK/paths")"
grep -qF -- '- task: `t-1; touch injected`' "$WORK/summary.md" || fail 'the summary does not say the task'
grep -qF 'failures="0"' "$WORK/junit.xml" || fail 'the decision is not there as JUnit'
# names FILE: the subjects of a file of bundles.
names() { jq -r '.dsseEnvelope.payload | @base64d | fromjson | .subject[].name' "$1" | paste -sd ' '; }
equal 'files' 'dist/file-1 dist/file-2 dist/file-3' "$(names "$WORK/files.json")"
equal 'files of the list' 'file-1 file-2' "$(names "$WORK/sums.json")"
if grep -qF "$PASSWORD" "$WORK/out" "$WORK/err"; then fail 'the log shows the password'; fi
expect 0 "$ATTEST" verify "$subject" --key "$WORK/key.pub" --agent squad/agent --task 't-1; touch injected'
payload=$(jq -r .dsseEnvelope.payload "$WORK/bundle.json" | base64 -d)
equal 'commit' "$(git rev-parse HEAD)" \
  "$(jq -r .predicate.buildDefinition.externalParameters.source.digest.gitCommit <<<"$payload")"

say 'a job without an identity is told what to add; two inputs that contradict each other are both named'
# refused INPUTS TEXT: a commit whose workflow fails in the action, and says so.
refused() {
  cat >.github/workflows/build.yml <<YAML
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./action
        with: { $1, binary: $ATTEST }
YAML
  git add -A
  git -c user.name=Tester -c user.email=tester@example.org commit -q -m 'Build without what it takes'
  expect 1 env -u ATTEST_PASSWORD "$BIN/act" push --platform ubuntu-latest=-self-hosted
  grep -qF -- "$2" "$WORK/out" "$WORK/err" || fail "the log does not say: $2"
}
refused "subject: $subject" 'id-token: write'
refused "subject: $subject, subject-path: dist" 'the inputs `subject` and `subject-path` contradict each other'

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
