#!/bin/sh
# Takes one check away at a time, in a copy, and expects the tests of refusal to turn red. Run by hand:
#   tests/mutants.sh [NAME...]
# A mutant that no test notices is printed as SURVIVED and fails the run.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM
( cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar cf - ) | tar xf - -C "$copy"
# One build folder for all mutants, apart from the checkout's own.
CARGO_TARGET_DIR=${MUTANTS_TARGET_DIR:-$top/target/mutants}
export CARGO_TARGET_DIR

survived=0
seen=0

# mutant NAME FILE OLD NEW: replaces the one line that holds OLD (a fixed text) by NEW within it.
mutant() {
    name=$1 file=$2 old=$3 new=$4
    [ -z "$wanted" ] || case " $wanted " in *" $name "*) ;; *) return 0 ;; esac
    seen=$((seen + 1))
    cp "$copy/$file" "$copy/.kept"
    OLD=$old NEW=$new awk '
        BEGIN { old = ENVIRON["OLD"]; new = ENVIRON["NEW"] }
        !done && (at = index($0, old)) { $0 = substr($0, 1, at - 1) new substr($0, at + length(old)); done = 1 }
        { print }
        END { exit !done }' "$copy/.kept" > "$copy/$file" || { echo "$name: its line is not in $file any more"; exit 2; }
    if ! (cd "$copy" && cargo test -q --no-run --test refusals) > "$copy/.log" 2>&1; then
        echo "$name: does not build"; tail -n 20 "$copy/.log"; exit 2
    fi
    if (cd "$copy" && cargo test --test refusals) > "$copy/.log" 2>&1; then
        echo "SURVIVED $name ($file)"
        survived=$((survived + 1))
    else
        red=$(grep -c '^test .* FAILED$' "$copy/.log" || true)
        first=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$copy/.log" | head -n 3 | paste -sd ' ')
        echo "red      $name: $red tests, such as $first"
    fi
    cp "$copy/.kept" "$copy/$file"
}

wanted=$*
mutant signature src/verify/signature.rs \
    '.verify(message, signature).is_ok()' '.verify(message, signature).is_ok() || true'
mutant subject-binding src/verify/subject.rs \
    'let equal = claimed' 'let equal = true || claimed'
mutant second-digest src/verify/subject.rs \
    'Some(hex) if hex == d.hex() => {}' 'Some(_) => {}'
mutant payload-type src/verify/mod.rs \
    'if envelope.payload_type() != envelope::IN_TOTO {' 'if false {'
mutant predicate-form src/verify/mod.rs \
    'kind.check(statement.predicate()).map_err(VerifyError::Statement)?;' 'let _ = kind;'
mutant predicate-type src/policy/decide.rs \
    'if *statement.statement().predicate_type() != requirement.predicate_type {' 'if false {'
mutant revoked-keys src/policy/decide.rs \
    '&& policy.revoked.keys.contains(&key.id())' '&& policy.revoked.keys.contains(&String::new()) && key.id().is_empty()'
mutant revoked-statements src/policy/decide.rs \
    'if policy.revoked.statements.contains(&digest) {' 'if false {'
mutant window src/policy/decide.rs \
    'if !rule.window.contains(time) {' 'if false {'
mutant signer-of-the-rule src/policy/mod.rs \
    '=> wanted == key,' '=> wanted == key || true,'
mutant builder-list src/policy/decide.rs \
    'builder_bound = rule.builders.iter().any(|b| b.matches(&p.builder_id));' 'builder_bound = !p.builder_id.is_empty();'
mutant builder-binding src/policy/rule/builder.rs \
    'if !input.builder_bound {' 'if false {'
mutant builder-demand src/policy/rule/builder.rs \
    'if *found != self.id {' 'if false {'
mutant dirty src/policy/rule/source.rs \
    'None => dirty != Some(true),' 'None => true,'
mutant clean src/policy/rule/source.rs \
    'Some(false) => dirty == Some(false),' 'Some(false) => dirty != Some(true),'
mutant charter-dots src/policy/rule/charter.rs \
    '&& stays_below(&f[prefix.len()..])' ''
mutant referrer-subject src/registry/evidence.rs \
    'if found != Some(subject) {' 'if false {'
mutant blob-digest src/registry/checked.rs \
    'if !digest.matches(bytes) {' 'if false {'
mutant layout-content src/cli/target.rs \
    'let Some(layout) = &self.layout else { return };' 'let Some(layout) = self.layout.as_ref().filter(|_| false) else { return };'
mutant require-digest src/cli/target.rs \
    'None if require_digest => return Err(digest_required(typed)),' 'None if false && require_digest => return Err(digest_required(typed)),'
mutant unknown-children src/flow/check.rs \
    'let runs = |d: &&Descriptor|' 'let runs = |d: &&Descriptor| d.platform.as_deref() == Some("linux/amd64") &&'
mutant unavailable-is-none src/registry/evidence.rs \
    'Content::Unavailable { code: e.code(), message: e.to_string() }' 'Content::SetAside { code: e.code(), message: e.to_string() }'
mutant policy-writable src/cli/policies.rs \
    'only_ours(&real)?;' 'let _ = only_ours(&real);'

[ "$seen" -gt 0 ] || { echo "no such mutant: $wanted"; exit 2; }
echo "$seen mutants, $survived survived"
[ "$survived" -eq 0 ]
