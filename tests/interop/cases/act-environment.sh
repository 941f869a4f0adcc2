#!/usr/bin/env bash
# GitHub's environment as act makes it: it is the one that the tests keep, and what `generate --explain` says of it inside a
# job is what their golden file says.
# needs: act jq
set -euo pipefail
source "$INTEROP/lib.sh"

kept=$INTEROP/../capture/environments
checkout "$WORK/checkout"
cd "$WORK/checkout"
mkdir -p .github/workflows
cat >.github/workflows/build.yml <<YAML
on: workflow_dispatch
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: |
          env | LC_ALL=C sort >$WORK/found.env
          cp "\$GITHUB_EVENT_PATH" $WORK/event.json
      - run: $ATTEST generate --explain --format json >$WORK/explained.json
        working-directory: $WORK/checkout
YAML
git add -A
git -c user.name=Tester -c user.email=tester@example.org commit -q -m 'Print the environment'
expect 0 env -i PATH="$PATH" HOME="$WORK" "$BIN/act" workflow_dispatch --input level=debug --platform ubuntu-latest=-self-hosted

# Of this machine: its paths, its shell's variables, the cache's address. Of this checkout: the commit.
grep -vE '^(ACTIONS_CACHE_URL|GITHUB_EVENT_PATH|HOME|PATH|PWD|OLDPWD|SHLVL|_)=' \
  "$WORK/found.env" | sed -E "s|^GITHUB_SHA=.*|GITHUB_SHA=COMMIT|; s|^([A-Z_]+)=/.*|\1=/act/\L\1|" | LC_ALL=C sort >"$WORK/act.env"
diff <(LC_ALL=C sort "$kept/act.env") "$WORK/act.env" >"$WORK/diff" || fail "act's environment has changed: $(cat "$WORK/diff")"
say "act's environment is the one of tests/capture/environments/act.env: $(wc -l <"$WORK/act.env") variables"
equal 'event' "$(jq -cS . "$kept/act-event.json")" "$(jq -cS . "$WORK/event.json")"

# What the platform decides; the machine's own fields are of this machine.
rows='map(select(.field | test("^(externalParameters|metadata|builder|internalParameters\\.(github|environment\\.(id|kind)))"))
  | if (.value | tostring | test("[0-9a-f]{40}")) then .value = "of this commit" else . end)'
diff <(jq -S ".explanation | $rows" "$INTEROP/../capture/golden/github-act.json") <(jq -S ".fields | $rows" "$WORK/explained.json") \
  >"$WORK/diff" || fail "the golden file differs from a job: $(head -c 3000 "$WORK/diff")"
say "a job's explanation is the golden one: $(jq ".fields | $rows | length" "$WORK/explained.json") fields"
