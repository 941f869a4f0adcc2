//! A decision for people: verdict, name and reason on the first line of each subject, and what else matters below it.

mod detail;
pub(in crate::cli) mod screen;
mod summary;

use crate::cli::show::sanitize::line;
use crate::model::Code;
use crate::model::plural::counted;
use crate::policy::{CandidateDecision, Decision, RequirementDecision, SubjectDecision, Verdict};
use crate::verify::SUBJECT_MISMATCH;
pub(in crate::cli) use screen::{Page, View, WIDTH, shortened, wrapped};

/// How many subjects that are allowed for the same reasons a terminal shows by name.
const NAMED: usize = 10;

/// The decision as text: what is not allowed first, several subjects end with their numbers.
#[must_use]
pub(in crate::cli) fn page(decision: &Decision, view: View) -> String {
    let mut page = Page::new(view);
    subjects(&mut page, &decision.subjects, 0);
    let policy = |name: &str, origin: &str| match origin {
        "flags" => "flags".to_owned(),
        _ => format!("{} ({})", line(name), line(origin)),
    };
    let policies: Vec<_> = decision.policies.iter().map(|p| policy(&p.name, &p.origin)).collect();
    page.line(0, &format!("policies: {}", policies.join(", ")));
    if decision.subjects.len() > 1 {
        let of = |v: Verdict| decision.subjects.iter().filter(|s| s.verdict == v).count();
        let counts = [(Verdict::Allow, "allowed"), (Verdict::Deny, "denied"), (Verdict::Unavailable, "unknown")];
        let counts = counts.map(|(v, word)| (of(v), word)).into_iter().filter(|(n, _)| *n > 0);
        page.line(0, &counts.map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(", "));
    }
    page.text()
}

/// Several subjects: those that are not allowed in full, then those that are, once for what is the same of them.
fn subjects(page: &mut Page, all: &[SubjectDecision], depth: usize) {
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by_key(|s| std::cmp::Reverse(s.verdict));
    let (allowed, others): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|s| s.verdict == Verdict::Allow);
    for s in others {
        head(page, s, depth);
        below(page, s, depth);
    }
    let mut groups: Vec<(Page, Vec<&SubjectDecision>)> = Vec::new();
    for s in allowed.into_iter().filter(|_| !page.view.quiet) {
        let mut body = Page::new(page.view);
        below(&mut body, s, depth);
        match groups.iter_mut().find(|(b, _)| *b == body) {
            Some((_, members)) => members.push(s),
            None => groups.push((body, vec![s])),
        }
    }
    for (body, members) in groups {
        let fold = page.view.terminal && !page.view.verbose && members.len() > NAMED;
        let named = if fold { NAMED } else { members.len() };
        for s in &members[..named] {
            head(page, s, depth);
        }
        if fold {
            page.line(depth, &format!("and {} more like these (-v shows each)", members.len() - named));
        }
        page.append(body);
    }
}

/// The first line of a subject.
fn head(page: &mut Page, s: &SubjectDecision, depth: usize) {
    let name = line(&s.artifact.name);
    let digest = s.artifact.digest.to_string();
    let shown = if name.contains(&digest) { name } else { format!("{name} {digest}") };
    let why = match s.reason() {
        // Nothing is about it: what its neighbours are about does not belong into the first line.
        Some(r) if r.code == SUBJECT_MISMATCH => format!(": {}: nothing that was found is about this content", r.code),
        Some(r) => format!(": {}: {}", r.code, line(&r.message)),
        None => String::new(),
    };
    page.verdict(depth, s.verdict, &format!("{shown}{why}"));
}

/// What stands below the first line of a subject.
fn below(page: &mut Page, s: &SubjectDecision, depth: usize) {
    let said = s.reason();
    for r in s.reasons.iter().filter(|r| Some(*r) != said) {
        page.line(depth + 1, &format!("{}: {}", r.code, line(&r.message)));
    }
    if page.view.verbose {
        detail::requirements(page, s, depth + 1);
    } else if s.verdict == Verdict::Allow {
        summary::accepted(page, s, depth + 1);
    } else {
        let unmet = s.policies.iter().flat_map(|p| &p.requirements).filter(|r| r.verdict != Verdict::Allow);
        for requirement in unmet {
            nearest(page, s, requirement, depth + 1);
        }
    }
    subjects(page, &s.children, depth + 1);
    let asides: &[String] = if page.view.verbose { &s.asides } else { &[] };
    for note in s.notes.iter().chain(asides) {
        page.whole(depth + 1, &format!("note: {}", line(note)));
    }
}

/// The candidate that came closest to what a requirement demands, and how many others there are, by reason.
fn nearest(page: &mut Page, s: &SubjectDecision, requirement: &RequirementDecision, depth: usize) {
    // A reason that the first line shows in its own words is not shown again.
    let said = s.reason().filter(|r| r.code != SUBJECT_MISMATCH);
    page.line(depth, &format!("demanded: {}", line(requirement.predicate_type.as_str())));
    for r in requirement.reasons.iter().filter(|r| Some(*r) != said) {
        page.line(depth, &format!("{}: {}", r.code, line(&r.message)));
    }
    let Some(nearest) = requirement.nearest() else { return };
    match nearest.reasons.as_slice() {
        // The first line has the code.
        [r] if r.code == SUBJECT_MISMATCH && s.reason().is_some_and(|said| said.code == r.code) => {
            page.line(depth, &format!("nearest: {}: {}", place(nearest), line(&r.message)));
        }
        reasons => {
            page.line(depth, &format!("nearest: {}", place(nearest)));
            for r in reasons.iter().filter(|r| Some(*r) != said) {
                page.line(depth + 1, &format!("{}: {}", r.code, line(&r.message)));
            }
        }
    }
    let mut others: Vec<(Option<Code>, usize)> = Vec::new();
    for c in requirement.candidates.iter().filter(|c| !std::ptr::eq(*c, nearest)) {
        let code = c.reasons.first().map(|r| r.code);
        match others.iter_mut().find(|(o, _)| *o == code) {
            Some((_, n)) => *n += 1,
            None => others.push((code, 1)),
        }
    }
    let n: usize = others.iter().map(|(_, n)| n).sum();
    if n > 0 {
        let word = |code: &Option<Code>| code.map_or("accepted", Code::as_str);
        let folded = match others.as_slice() {
            [(code, _)] => word(code).to_owned(),
            several => several.iter().map(|(code, n)| format!("{n} {}", word(code))).collect::<Vec<_>>().join(", "),
        };
        let each = if n == 1 { "it" } else { "each" };
        page.line(depth, &format!("{}: {folded} (-v shows {each})", counted(n, "other")));
    }
}

/// Where a candidate was found.
fn place(c: &CandidateDecision) -> String {
    crate::cli::show::origin(&c.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::SUBJECT_NOT_FOUND;
    use crate::model::code::{FILE_UNREADABLE, LIMIT_EXCEEDED};
    use crate::model::{Artifact, Code, Digest, PredicateUri, Timestamp};
    use crate::policy::{Outcome, PolicyDecision, Reason};
    use crate::sign::LocalKey;
    use crate::testing::{Claim, Instance, decide};
    use crate::trust::{KeyAlgorithm, TrustedRoot};
    use crate::verify::{KEY_NOT_TRUSTED, Origin};
    use serde_json::json;

    fn rejected(id: &str, code: Code) -> CandidateDecision {
        let origin = Origin { place: "oci:app".into(), id: id.into() };
        CandidateDecision {
            origin,
            verified: false,
            outcome: Outcome::Rejected,
            reasons: vec![Reason::new(code, "expected a, found b")],
        }
    }

    fn subject(name: &str, verdict: Verdict, candidates: Vec<CandidateDecision>) -> SubjectDecision {
        let requirement = RequirementDecision {
            predicate_type: PredicateUri::parse("https://slsa.dev/provenance/v1").unwrap(),
            verdict,
            reasons: Vec::new(),
            candidates,
        };
        SubjectDecision {
            artifact: Artifact::new(name, name, Digest::sha256(name.as_bytes())),
            verdict,
            reasons: Vec::new(),
            policies: vec![PolicyDecision { policy: "p".into(), verdict, requirements: vec![requirement] }],
            children: Vec::new(),
            notes: Vec::new(),
            asides: Vec::new(),
        }
    }

    fn shown(subjects: Vec<SubjectDecision>, verbose: bool, terminal: bool) -> String {
        let decided = Decision::of(subjects, Vec::new(), Timestamp::from_unix(0).unwrap());
        page(&decided, View { verbose, quiet: false, terminal, colour: false })
    }

    #[test]
    fn with_quiet_only_what_is_not_allowed_is_shown() {
        let of = |name: &str, verdict| subject(name, verdict, Vec::new());
        let decided = Decision::of(
            vec![of("good", Verdict::Allow), of("bad", Verdict::Deny)],
            Vec::new(),
            Timestamp::from_unix(0).unwrap(),
        );
        let seen = |quiet| page(&decided, View { verbose: false, quiet, terminal: false, colour: false });
        assert!(seen(true).contains("DENY bad") && !seen(true).contains("ALLOW good"), "{}", seen(true));
        assert!(seen(false).contains("ALLOW good") && seen(true).contains("1 allowed, 1 denied"), "{}", seen(false));
    }

    #[test]
    fn verdict_name_and_reason_stand_on_the_first_line_and_equal_rejections_are_folded() {
        let mut candidates = vec![rejected("first", SUBJECT_NOT_FOUND)];
        candidates.extend((0..9).map(|n| rejected(&n.to_string(), LIMIT_EXCEEDED)));
        candidates.push(rejected("last", FILE_UNREADABLE));
        let app = || subject("app", Verdict::Deny, candidates.clone());
        let text = shown(vec![app()], false, false);
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("DENY app sha256:") && first.ends_with(": subject-not-found: expected a, found b"));
        assert!(text.contains("nearest: first in oci:app\n"), "{text}");
        assert!(text.contains("10 others: 9 limit-exceeded, 1 file-unreadable (-v shows each)"), "{text}");
        assert!(text.lines().count() < 7, "{text}");
        assert_eq!(shown(vec![app()], true, true).matches("rejected: ").count(), 11);
    }

    /// What stands beside a key's signature and proves nothing is said wherever the statement is accepted.
    #[test]
    fn what_nobody_checked_and_what_is_only_promised_is_never_passed_over() {
        let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let artifact = || Artifact::new("app", "app", Digest::sha256(b"app"));
        let instance = Instance::new("acme", 1);
        let signed = instance.sign_with_key(&key, &Claim::about(&artifact().digest).to_bytes());
        let mut promised = signed.clone();
        promised["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
        promised["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
        let root = TrustedRoot::parse(instance.root().to_string().as_bytes(), "test").unwrap();
        let requirement =
            json!({ "signers": [{ "key": key.public_key().to_pem() }], "trust": { "allowPromiseOnly": true } });
        let text = |roots: &[TrustedRoot], bundle: &serde_json::Value, verbose| {
            let bundles = std::slice::from_ref(bundle);
            let decided = decide(roots, std::slice::from_ref(&requirement), artifact(), bundles).unwrap();
            assert_eq!(decided.verdict, Verdict::Allow, "{:?}", decided.reason());
            shown(vec![decided], verbose, false)
        };
        for verbose in [false, true] {
            let sound = text(&root, &signed, verbose);
            assert!(!sound.contains("not checked") && !sound.contains("promised"), "{sound}");
            let unchecked = text(&[], &signed, verbose);
            assert!(
                unchecked.contains("not checked, as no trusted root knows who made them: 1 log entry\n"),
                "{unchecked}"
            );
            let promise = text(&root, &promised, verbose);
            assert!(promise.contains("promised only: entry 7 of log "), "{promise}");
        }
    }

    #[test]
    fn what_is_denied_stands_first_and_many_end_with_their_numbers() {
        let mut subjects: Vec<_> = (0..199).map(|n| subject(&format!("f{n}"), Verdict::Allow, Vec::new())).collect();
        subjects.insert(77, subject("bad", Verdict::Deny, vec![rejected("x", SUBJECT_NOT_FOUND)]));
        let pipe = shown(subjects.clone(), false, false);
        assert!(pipe.starts_with("DENY bad ") && pipe.ends_with("\n199 allowed, 1 denied\n"), "{pipe}");
        assert_eq!(pipe.matches("ALLOW ").count(), 199);
        // A terminal would have scrolled the one that is denied away.
        let text = shown(subjects, false, true);
        assert!(text.starts_with("DENY bad ") && text.ends_with("\n199 allowed, 1 denied\n"), "{text}");
        assert!(text.contains("and 189 more like these (-v shows each)") && text.lines().count() < 20, "{text}");
    }

    #[test]
    fn of_content_that_nothing_is_about_the_first_line_says_so() {
        let mut candidate = rejected("whole file", SUBJECT_MISMATCH);
        candidate.outcome = Outcome::SetAside;
        let text = shown(vec![subject("app", Verdict::Deny, vec![candidate.clone()])], false, false);
        let first = text.lines().next().unwrap();
        assert!(first.ends_with("subject-mismatch: nothing that was found is about this content"), "{text}");
        // The code once, and what the nearest is about once.
        assert!(text.contains("  nearest: oci:app: expected a, found b\n"), "{text}");
        assert_eq!(text.matches("subject-mismatch").count(), 1, "{text}");
        // Where something is about it, that is what the first line speaks of.
        let refused = rejected("mine", FILE_UNREADABLE);
        let text = shown(vec![subject("app", Verdict::Deny, vec![candidate, refused])], false, false);
        assert!(text.lines().next().unwrap().ends_with(": file-unreadable: expected a, found b"), "{text}");
        assert!(text.contains("nearest: mine") && text.contains("1 other: subject-mismatch (-v shows it)"), "{text}");
    }

    #[test]
    fn what_was_verified_is_nearer_than_what_was_not() {
        let mut verified = rejected("verified", LIMIT_EXCEEDED);
        verified.verified = true;
        let candidates = vec![rejected("another key", SUBJECT_NOT_FOUND), verified];
        let text = shown(vec![subject("app", Verdict::Deny, candidates)], false, false);
        assert!(text.contains(": limit-exceeded: ") && text.contains("nearest: verified in oci:app"), "{text}");
    }

    #[test]
    fn what_somebody_unknown_signed_is_nearer_than_nothing_else() {
        // As npm keeps it: what the registry signed with a key of its own stands first.
        let candidates = vec![rejected("the registry's", KEY_NOT_TRUSTED), rejected("the workflow's", LIMIT_EXCEEDED)];
        let text = shown(vec![subject("app", Verdict::Deny, candidates.clone())], false, false);
        assert!(text.contains(": limit-exceeded: ") && text.contains("nearest: the workflow's in oci:app"), "{text}");
        let alone = shown(vec![subject("app", Verdict::Deny, candidates[..1].to_vec())], false, false);
        assert!(alone.contains(": key-not-trusted: "), "{alone}");
    }

    #[test]
    fn a_terminal_of_80_columns_breaks_no_line_and_shows_digests_to_copy_whole() {
        let mut s = subject("ghcr.io/acme/app", Verdict::Deny, vec![rejected("first", SUBJECT_NOT_FOUND)]);
        s.policies[0].requirements[0].candidates[0].reasons[0].message = "expected what is right ".repeat(20);
        let digest = s.artifact.digest.to_string();
        s.notes.push(format!("resolved once, to {digest}; deploy that digest"));
        let text = shown(vec![s], false, true);
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        assert_eq!(text.matches(&digest).count(), 1, "{text}");
    }

    #[test]
    fn what_is_not_allowed_as_a_whole_never_reads_as_allowed() {
        let mut changed = subject("oci:image", Verdict::Allow, Vec::new());
        changed.worsen(Verdict::Deny, Reason::new(LIMIT_EXCEEDED, "bytes changed"));
        for verbose in [false, true] {
            let text = shown(vec![changed.clone()], verbose, false).to_lowercase();
            assert!(text.starts_with("deny ") && !text.contains("allow"), "{text}");
        }
    }

    #[test]
    fn digests_are_whole_except_on_a_terminal() {
        let digest = Digest::sha256(b"app").to_string();
        let app = || vec![subject("app", Verdict::Allow, Vec::new())];
        assert!(shown(app(), false, false).contains(&digest));
        let short = shown(app(), false, true);
        assert!(short.contains(&digest[..15]) && !short.contains(&digest[..16]), "{short}");
    }
}
