//! How a record answers a question: when it was, what was done, to what, and by whom. The same answers for whoever looks at a
//! record and for every index.

/// Gives the text of a field, where the record has one.
pub type Said<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What makes an approval a yes, as its `result`, without regard to capital letters; one that says nothing is a yes, too. Whatever else
/// it says is none: what is not known is no consent.
pub const YES: &[&str] = &["approved", "approve", "success", "ok"];

/// When it was, by the clock of whoever says so: an end when it ended, anything else when it was or began. None where the record
/// says no time.
#[must_use]
pub fn when(kind: &str, said: Said<'_>) -> Option<String> {
    let order = match kind {
        "execution_ended" => ["completed_at", "at", "started_at"],
        _ => ["at", "started_at", "completed_at"],
    };
    order.into_iter().find_map(said)
}

/// What was done, in the names of action types: of an action its own, of an approval the one that it comes from, else the kind.
#[must_use]
pub fn action(kind: &str, said: Said<'_>) -> String {
    match kind {
        "action" => said("action_type").unwrap_or_else(|| kind.to_owned()),
        "approval" if said("result").is_some_and(|result| is_taken_back(&result)) => "approval_taken_back".to_owned(),
        "approval" => match said("how").as_deref() {
            Some("review") => "pr_approve".to_owned(),
            Some("merge") => "merge".to_owned(),
            _ => "approve".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// Whether what became of an approval is that it counts no more, or never did.
#[must_use]
pub fn is_taken_back(result: &str) -> bool {
    let result = result.trim();
    !result.is_empty() && !YES.iter().any(|yes| yes.eq_ignore_ascii_case(result))
}

/// The path in the repository that it was done to.
#[must_use]
pub fn path(kind: &str, said: Said<'_>) -> Option<String> {
    let action = said("action_type").unwrap_or_default();
    let file = action.starts_with("file_");
    let elsewhere = ELSEWHERE.iter().any(|word| action.split('_').next() == Some(word));
    said("target").filter(|target| kind == "action" && (file || !(elsewhere || is_reference(target))))
}

/// Actions whose target is no path whatever it looks like: the first words of their names.
const ELSEWHERE: &[&str] = &["commit", "push", "branch", "pr", "merge", "issue", "deploy"];

/// What else it was done to: a commit, a pull request, an image, an address.
#[must_use]
pub fn artifact(kind: &str, said: Said<'_>) -> Option<String> {
    let target = said("target").filter(|_| path(kind, said).is_none());
    target.or_else(|| said("digest")).or_else(|| said("subject"))
}

/// Whether a target names something else than a path: `commit:HEX`, `https://...`, `acme/app#57`.
#[must_use]
pub fn is_reference(target: &str) -> bool {
    let scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b))
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    target.split_once(':').is_some_and(|(before, rest)| scheme(before) && !rest.is_empty())
        || target.rsplit_once('#').is_some_and(|(before, after)| !before.is_empty() && number(after))
}

/// Whether a text is the whole id of a commit, as git writes it.
#[must_use]
pub fn is_commit_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// An agent as `squad/agent` to its squad, where it has one, and its name.
#[must_use]
pub fn squad_and_name(agent: &str) -> (Option<&str>, &str) {
    agent.rsplit_once('/').map_or((None, agent), |(squad, name)| (Some(squad), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(fields: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| fields.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn an_end_is_when_it_ended_and_anything_else_when_it_began() {
        let both = of(&[("started_at", "A"), ("completed_at", "B")]);
        assert_eq!(when("execution_ended", &both).as_deref(), Some("B"));
        assert_eq!(when("action", &both).as_deref(), Some("A"));
        assert_eq!(when("action", &of(&[("completed_at", "B")])).as_deref(), Some("B"));
        assert_eq!(when("action", &of(&[])), None);
    }

    #[test]
    fn an_approval_is_the_action_that_it_comes_from_and_one_taken_back_is_none() {
        let how = |how: &str, result: &str| action("approval", &of(&[("how", how), ("result", result)]));
        assert_eq!((how("review", "ok"), how("merge", "ok")), ("pr_approve".into(), "merge".into()));
        assert_eq!(how("signed", "ok"), "approve");
        for result in YES.iter().chain(&["", " Approved ", "SUCCESS"]) {
            assert_eq!(how("review", result), "pr_approve", "{result}");
        }
        for result in ["dismissed", "DISMISSED", "changes_requested", "commented", "pending", "rejected", "approved?"] {
            assert_eq!(how("review", result), "approval_taken_back", "{result}");
        }
        assert_eq!(action("action", &of(&[("action_type", "merge")])), "merge");
        assert_eq!(action("verified", &of(&[])), "verified");
    }

    #[test]
    fn a_target_is_a_path_or_a_reference() {
        for reference in ["commit:abc123", "https://example.com/x", "acme/app#57", "oci:layout", "image:a@sha256:0"] {
            assert!(is_reference(reference), "{reference}");
        }
        for path in ["src/a.rs", "src/a:b.rs", "A:b", "docs/#x", "a#", "#1", "x:", "src/c#/a.cs"] {
            assert!(!is_reference(path), "{path}");
        }
        let modified = of(&[("action_type", "file_modify"), ("target", "c#1")]);
        assert_eq!((path("action", &modified).as_deref(), artifact("action", &modified)), (Some("c#1"), None));
        let merged = of(&[("action_type", "merge"), ("target", "commit:a1")]);
        assert_eq!((path("action", &merged), artifact("action", &merged).as_deref()), (None, Some("commit:a1")));
        let deployed = of(&[("action_type", "deploy"), ("target", "prod/web")]);
        assert_eq!((path("action", &deployed), artifact("action", &deployed).as_deref()), (None, Some("prod/web")));
        assert_eq!(
            artifact("attested", &of(&[("subject", "app"), ("digest", "sha256:0")])).as_deref(),
            Some("sha256:0")
        );
        assert_eq!(squad_and_name("a/b/c"), (Some("a/b"), "c"));
        assert_eq!(squad_and_name("c"), (None, "c"));
    }
}
