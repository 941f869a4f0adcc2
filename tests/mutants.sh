#!/bin/sh
# Takes one rule of verification away at a time and expects a test to turn red. By hand:
#   tests/mutants.sh [NAME...]
#   tests/mutants.sh --check       only whether all can be built in, as `.ci/run` asks
# The rules are listed in tests/mutants.txt. All are built in at once, in a copy, each behind a switch; then the tests run
# once per rule with its switch on, and stop at the first target that turns red. Without any switch they must be green.
# Which test noticed a rule is kept in tests/mutants.noticed and tried first the next time: a whole run without it takes hours.
# A rule that no test notices is printed as SURVIVED and fails the run, unless the list says why nobody can notice it.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
list=$top/tests/mutants.txt
# A build folder of its own; remove it when done, it is large.
CARGO_TARGET_DIR=${MUTANTS_TARGET_DIR:-$top/target/mutants}
export CARGO_TARGET_DIR
copy=$CARGO_TARGET_DIR/source
# Lines: a mutant, the target and the test that noticed it last.
noticed=$top/tests/mutants.noticed
# The same tests run thousands of times.
[ "${1:-}" = --check ] || export CARGO_PROFILE_DEV_OPT_LEVEL=1
# Quick and telling parts first: a target, or a module of one.
targets='verification lib registry cli capture admission'
parts='verification:certificates:: lib verification:conformance:: verification:advisories:: verification:refusals::
  cli:charter:: registry admission verification:routes:: cli capture'

mkdir -p "$copy"
find "$copy" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
( cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar cf - ) | tar xf - -C "$copy"
[ ! -d "$top/../shared" ] || ln -sfn "$top/../shared" "$CARGO_TARGET_DIR/shared"

# switch NAME FILE AFTER OLD NEW: puts NEW beside OLD, which stands once in the file (after the line AFTER, if given;
# tests at its end do not count). A statement ends in `;`, anything else is an expression. Of a line that has a switch
# already, the last place is the one that runs without it.
switch() {
    NAME=$1 AFTER=$3 OLD=$4 NEW=$5 awk '
        function last(text, part,  at, more) {
            while ((more = index(substr(text, at + 1), part))) at += more
            return at + 0
        }
        BEGIN { name = ENVIRON["NAME"]; after = ENVIRON["AFTER"]; old = ENVIRON["OLD"]; new = ENVIRON["NEW"] }
        /^#\[cfg\(test\)\]/ { tests = 1 }
        !tests && (after == "" || seen) && (at = last($0, old)) {
            found++
            if (found == 1) {
                both = "if crate::mutant(\"" name "\") { " new " } else { " old " }"
                if (old !~ /;$/) both = "(" both ")"
                $0 = substr($0, 1, at - 1) both substr($0, at + length(old))
            }
        }
        after != "" && index($0, after) { seen = 1 }
        { print }
        END { if (found == 0) exit 3; if (found > 1 && after == "") exit 4 }' "$copy/$2" > "$copy/.new" || {
            echo "$1: \`$4\` stands not once in $2: mend tests/mutants.txt"; exit 2; }
    cp "$copy/.new" "$copy/$2"
}

# Every block of the list: a name and a file, `@` a line after which to look, `-` old, `+` new, `=` why nobody notices.
names=''
name='' file='' after='' old='' new='' why=''
finish() {
    [ -n "$name" ] || return 0
    switch "$name" "$file" "$after" "$old" "$new"
    names="$names $name"
    printf '%s' "$why" > "$copy/.why.$name"
    printf '%s' "$file" > "$copy/.file.$name"
    name='' file='' after='' old='' new='' why=''
}
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        '#'*) ;;
        '') finish ;;
        '@ '*) after=${line#'@ '} ;;
        '- '*) old=${line#'- '} ;;
        '+ '*) new=${line#'+ '} ;;
        '= '*) why=${line#'= '} ;;
        *) name=${line%% *} file=${line#* } ;;
    esac
done < "$list"
finish
cat >> "$copy/src/lib.rs" <<'RUST'

/// Whether a rule is switched off.
pub fn mutant(name: &str) -> bool {
    static ACTIVE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let read = || std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.mutant")).unwrap_or_default();
    ACTIVE.get_or_init(read) == name
}
RUST

# The short form: every rule still has its place, and the program builds with all switches in.
if [ "${1:-}" = --check ]; then
    ( cd "$copy" && cargo check ) > "$copy/.build" 2>&1 || { grep -A 14 "^error" "$copy/.build"; exit 2; }
    # shellcheck disable=SC2086
    echo "$(echo $names | wc -w) mutants have their place"
    exit 0
fi

wanted=${*:-$names}
for name in $wanted; do
    case " $names " in *" $name "*) ;; *) echo "no such mutant: $name"; exit 2 ;; esac
done

: > "$copy/.mutant"
set --
for target in $targets; do
    case $target in lib) set -- "$@" --lib ;; *) set -- "$@" --test "$target" ;; esac
done
( cd "$copy" && cargo test --no-run "$@" ) > "$copy/.build" 2>&1 || { grep -A 14 "^error" "$copy/.build"; exit 2; }
programs=$(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' "$copy/.build")

# What a target leaves out: it is slow, and says nothing of verification, or was a part before.
skipped() {
    case $1 in
        lib) echo --skip sign:: --skip capture:: ;;
        verification) echo --skip flips:: ;;
        cli) echo --skip planted --skip charter:: ;;
    esac
}

# Where a file's rules are most likely to be missed: a target and a part of it, tried before all of everything.
likely() {
    case $1 in
        src/policy/rule/approvals/* | src/policy/people.rs | src/verify/referent.rs) echo verification refusals::approvals:: refusals::approving:: ;;
        src/policy/rule/snapshot.rs) echo cli charter:: ;;
        src/policy/rule/trust.rs | src/policy/rule/witnesses.rs) echo verification certificates:: ;;
        src/policy/rule/age.rs) echo verification certificates::policies:: ;;
        src/policy/rule/*) echo verification refusals::claims:: refusals::assurance:: ;;
        src/webhook/* | src/policy/effect.rs | src/flow/admit.rs) echo admission ;;
        src/registry/remembered/* | src/registry/guarded.rs) echo lib registry:: ;;
        src/places/pool.rs) echo lib places:: ;;
        src/net/*) echo lib net:: ;;
        src/tlog/*) echo lib tlog:: ;;
        src/audit/* | src/record/*) echo lib audit:: record:: ;;
        src/places/audit.rs | src/flow/audit.rs) echo cli audit:: ;;
        src/registry/oci_http/*) echo registry http:: ;;
        src/programs/* | src/capture/secret/launch.rs) echo cli step::found_before:: ;;
        src/capture/input/lockfiles/* | src/model/json/pieces.rs) echo lib lockfiles:: ;;
        src/capture/*) echo capture links:: traps:: ;;
        src/registry/* | src/flow/*) echo verification refusals::registries:: refusals::limits:: ;;
        src/cli/* | src/places/*) echo verification refusals::layouts:: refusals::policies:: refusals::registries:: ;;
        src/policy/file/* | src/policy/form/* | src/model/yaml.rs | src/trust/* | src/policy/glob.rs) echo lib policy:: trust:: ;;
        *) echo verification certificates:: ;;
    esac
}

program() {
    case $1 in lib) set -- attest ;; esac
    found=$(echo "$programs" | grep "/$1-[0-9a-f]*\$" | head -n 1)
    case $found in /*) echo "$found" ;; *) echo "$copy/$found" ;; esac
}

# one TARGET ARGUMENT...: whether a target is red: says how many tests, and the first.
one() {
    target=$1
    shift
    program=$(program "$target")
    ended=0
    # shellcheck disable=SC2046
    ( cd "$copy" && timeout 1800 "$program" $([ $# -gt 0 ] || skipped "$target") "$@" ) > "$copy/.log" 2>&1 || ended=$?
    [ "$ended" -ne 0 ] || return 1
    failed=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$copy/.log")
    # Once more by themselves, as a test may also fail because the machine is busy.
    # shellcheck disable=SC2086
    if [ -n "$failed" ] && ( cd "$copy" && "$program" --exact $failed ) > "$copy/.log" 2>&1; then return 1; fi
    echo "$target $(echo "$failed" | grep -c .) $(echo "${failed:-(ended with $ended)}" | head -n 1)"
}

# red FILE NAME: runs what noticed it last, the likely part, then the targets, until one is red.
red() {
    last=$(sed -n "s/^$2 //p" "$noticed")
    # shellcheck disable=SC2086
    [ -z "$last" ] || ! one ${last% *} --exact ${last#* } || return 0
    # shellcheck disable=SC2046
    [ -z "$1" ] || ! one $(likely "$1") || return 0
    for each in $parts; do
        # shellcheck disable=SC2046
        ! one "${each%%:*}" $(case $each in *:*) echo "${each#*:}" ;; esac) || return 0
    done
}

: >> "$noticed"
found=$(red "" none)
[ -z "$found" ] || { echo "the tests are red without any switch: $found"; exit 2; }

survived=0
count=0
for name in $wanted; do
    count=$((count + 1))
    printf '%s' "$name" > "$copy/.mutant"
    found=$(red "$(cat "$copy/.file.$name")" "$name")
    why=$(cat "$copy/.why.$name")
    if [ -n "$found" ]; then
        # shellcheck disable=SC2086
        set -- $found
        printf '%-28s %s: %s (%s red)\n' "$name" "$1" "$3" "$2"
        { grep -v "^$name " "$noticed" || true; case $3 in *::*) echo "$name $1 $3" ;; esac; } | LC_ALL=C sort > "$copy/.new"
        cp "$copy/.new" "$noticed"
    elif [ -n "$why" ]; then
        printf '%-28s nobody can notice: %s\n' "$name" "$why"
    else
        printf '%-28s SURVIVED\n' "$name"
        survived=$((survived + 1))
    fi
done
: > "$copy/.mutant"
echo "$count mutants, $survived survived"
[ "$survived" -eq 0 ]
