#!/bin/sh
# Takes one rule of verification away at a time and expects a test to turn red. By hand:
#   tests/mutants.sh [NAME...]
#   tests/mutants.sh --check       only whether all can be built in, as `.ci/run` asks
# The rules are listed in tests/mutants.txt. All are built in at once, in a copy, each behind a switch. Every test runs once
# without any switch, must be green, and tells which of them it looks at; then, rule by rule, those that look at it run with
# the switch on, quick ones first, until one turns red.
# Which test noticed a rule is kept in tests/mutants.noticed and tried first the next time.
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
targets='lib registry verification admission capture cli'
# Lines: a rule, milliseconds, a target and a test of it that looks at the rule. After a line that names the programs.
reached=$CARGO_TARGET_DIR/reached

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

/// Whether a rule is switched off. Where a file is there for it, the name of the rule is written down.
pub fn mutant(name: &'static str) -> bool {
    use std::sync::{Mutex, OnceLock};
    static ACTIVE: OnceLock<String> = OnceLock::new();
    static ASKED: OnceLock<Option<Mutex<std::collections::BTreeSet<&'static str>>>> = OnceLock::new();
    let read = || std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.mutant")).unwrap_or_default();
    let reached = concat!(env!("CARGO_MANIFEST_DIR"), "/.reached");
    let asked = ASKED.get_or_init(|| std::path::Path::new(reached).exists().then(Mutex::default));
    if let Some(asked) = asked
        && asked.lock().is_ok_and(|mut names| names.insert(name))
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).open(reached)
    {
        let _ = std::io::Write::write_all(&mut file, format!("{name}\n").as_bytes());
    }
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

program() {
    case $1 in lib) set -- attest ;; esac
    found=$(echo "$programs" | grep "/$1-[0-9a-f]*\$" | head -n 1)
    case $found in /*) echo "$found" ;; *) echo "$copy/$found" ;; esac
}

# one SECONDS TARGET TEST...: whether one of them is red, or takes longer: says how many, and the first.
one() {
    most=$1 target=$2
    shift 2
    program=$(program "$target")
    ended=0
    ( cd "$copy" && timeout "$most" "$program" --exact "$@" ) > "$copy/.log" 2>&1 || ended=$?
    [ "$ended" -ne 0 ] || return 1
    failed=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$copy/.log")
    # Once more by themselves, as a test may also fail because the machine is busy.
    # shellcheck disable=SC2086
    if [ -n "$failed" ] && ( cd "$copy" && "$program" --exact $failed ) > "$copy/.log" 2>&1; then return 1; fi
    echo "$target $(echo "$failed" | grep -c .) $(echo "${failed:-(ended with $ended)}" | head -n 1)"
}

# tests TARGET: those of a target, but for one that flips each bit of a bundle.
tests() { "$(program "$1")" --list 2> /dev/null | sed -n 's/: test$//p' | grep -v '::flips::'; }

# reach: which tests look at which rule, each test alone. Says which are red without any switch.
reach() {
    state=$(for target in $targets; do cat "$(program "$target")"; done | cksum)
    [ ! -f "$reached" ] || [ "$(head -n 1 "$reached")" != "$state" ] || return 0
    echo "$state" > "$reached.new"
    for target in $targets; do
        program=$(program "$target")
        for test in $(tests "$target"); do
            : > "$copy/.reached"
            begun=$(date +%s%N)
            # Twice before it is red: a test may also fail because the machine is busy.
            ( cd "$copy" && { timeout 900 "$program" --exact "$test" || "$program" --exact "$test"; } ) > "$copy/.log" 2>&1 ||
                echo "$target $test"
            took=$((($(date +%s%N) - begun) / 1000000))
            sort -u "$copy/.reached" | sed "s|\$| $took $target $test|" >> "$reached.new"
        done
    done
    rm "$copy/.reached"
    mv "$reached.new" "$reached"
}

# red NAME: runs what noticed it last, then the tests that look at it, quick ones first, until one is red. Of a rule that nobody
# can notice, only quick ones: hundreds look at some of them.
red() {
    last=$(sed -n "s/^$1 //p" "$noticed")
    # shellcheck disable=SC2086
    [ -z "$last" ] || ! one 300 $last || return 0
    awk -v name="$1" '$1 == name { print $2, $3, $4 }' "$reached" | sort -n | awk '{
        key = (NR <= 20 ? 1 : NR <= 100 ? 2 : 3 + int((NR - 101) / 60)) " " $2
        if (!(key in tests)) order[++keys] = key
        tests[key] = tests[key] " " $3
        took[key] += $1
    } END {
        for (i = 1; i <= keys; i++) {
            split(order[i], part, " ")
            # Twenty times what it took, and a minute: then something goes on for ever.
            print part[1], 60 + int(took[order[i]] / 50), part[2] tests[order[i]]
        }
    }' | sort -s -n -k 1,1 > "$copy/.tests"
    while read -r quick those <&3; do
        [ "$quick" -lt 3 ] || [ ! -s "$copy/.why.$1" ] || break
        # shellcheck disable=SC2086
        ! one $those || return 0
    done 3< "$copy/.tests"
}

: >> "$noticed"
found=$(reach)
[ -z "$found" ] || { echo "the tests are red without any switch: $found"; exit 2; }

survived=0
count=0
for name in $wanted; do
    count=$((count + 1))
    printf '%s' "$name" > "$copy/.mutant"
    found=$(red "$name")
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
        printf '%-28s SURVIVED, of %s tests that look at it\n' "$name" "$(grep -c "^$name " "$reached" || true)"
        survived=$((survived + 1))
    fi
done
: > "$copy/.mutant"
echo "$count mutants, $survived survived"
[ "$survived" -eq 0 ]
