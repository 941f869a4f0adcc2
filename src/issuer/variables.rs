//! What the variables of all platforms have in common: each has its documented form, or is absent by its name.

use crate::issuer::{Detail, Principal, Surroundings};
use crate::model::{Captured, limits, remote, uri};
use std::path::Path;

/// A variable of one line that has its documented form.
pub(crate) fn variable(env: &dyn Surroundings, name: &str, good: fn(&str) -> bool) -> Captured<String> {
    match env.variable(name) {
        Some(value) if value.len() <= limits::VALUE_BYTES && !value.chars().any(char::is_control) && good(value) => {
            Captured::found(value.to_owned(), name)
        }
        Some(_) => Captured::absent(&format!("{name} does not have its documented form")),
        None => Captured::absent(&format!("{name} is not set")),
    }
}

/// A commit. Buildkite, for one, gives it as whoever started the build typed it: one in capitals is the same commit, which must
/// not be taken for none and so never be compared.
pub(crate) fn commit(env: &dyn Surroundings, name: &str) -> Captured<String> {
    variable(env, name, |text| is_commit(&text.to_ascii_lowercase())).map(|text| text.to_ascii_lowercase())
}

/// The variables that a platform's own section of `internalParameters` is made of.
pub(crate) fn details(env: &dyn Surroundings, names: &'static [Detail]) -> Vec<(&'static str, Captured<String>)> {
    let value = |(key, name, claim): &Detail| match *name {
        "" => (*key, Captured::absent(&format!("no variable says it; the claim {claim} of an identity token does"))),
        name => (*key, variable(env, name, any)),
    };
    names.iter().map(value).collect()
}

/// How the source of a builder ends that no token vouches for.
pub(crate) const NO_TOKEN: &str = ", and no identity token was used";

/// The builder of a run that no token vouches for; `mark` is how the platform was recognised.
pub(crate) fn builder(name: &str, mark: &str) -> Captured<String> {
    Captured::found(uri::builder(name), &format!("{mark}{NO_TOKEN}"))
}

/// Any text.
pub(crate) fn any(_: &str) -> bool {
    true
}

/// Letters, digits, `_` and `-`.
pub(crate) fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// Up to 20 decimal digits.
pub(crate) fn is_number(text: &str) -> bool {
    text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A commit: 40 or 64 hex digits, lower case.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A full ref.
pub(crate) fn is_full_ref(text: &str) -> bool {
    text.starts_with("refs/") && is_ref_part(text)
}

/// What may stand behind `refs/heads/`.
pub(crate) fn is_ref_part(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('/') && !text.ends_with('/') && !text.contains("..") && !text.contains(' ')
}

/// A page's address: `https` or `http`, a host, no user, nothing that needs an escape.
pub(crate) fn is_page(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let visible = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    !host.is_empty() && !host.contains('@') && rest.bytes().all(visible)
}

/// A path in a repository: relative, without `..`, and no address of a file elsewhere.
pub(crate) fn is_path(text: &str) -> bool {
    !text.starts_with('/') && !text.contains(['@', ':']) && !text.split('/').any(|part| part == "..")
}

/// `owner/name`, each part visible ASCII that needs no escape in a URL.
pub(crate) fn is_repository(text: &str) -> bool {
    let part = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

/// Every part or the first absence; the source names all of them.
pub(crate) fn together<const N: usize>(parts: [&Captured<String>; N]) -> Result<([&str; N], String), String> {
    let (mut values, mut sources) = ([""; N], Vec::new());
    for (slot, part) in values.iter_mut().zip(parts) {
        match part {
            Captured::Found { value, source } => {
                *slot = value;
                sources.push(source.as_str());
            }
            Captured::Absent { reason } => return Err(reason.clone()),
        }
    }
    Ok((values, sources.join(", ")))
}

/// A value made of several; absent with the first part that is.
pub(crate) fn joined<const N: usize, T>(
    parts: [&Captured<String>; N],
    make: impl FnOnce([&str; N]) -> T,
) -> Captured<T> {
    match together(parts) {
        Ok((values, source)) => Captured::found(make(values), &source),
        Err(reason) => Captured::absent(&reason),
    }
}

/// A variable that holds the address of a repository, normalised and without credentials.
pub(crate) fn repository(env: &dyn Surroundings, name: &str) -> Captured<String> {
    match variable(env, name, any) {
        // Only an address of its own: a path of the platform's machine means nothing here.
        Captured::Found { value, source } => match remote::normalise(&value, Path::new("/")) {
            Some(url) if !url.starts_with("file:") => Captured::found(url, &format!("{source}, normalised")),
            _ => Captured::absent(&format!("{name} is no address of a repository")),
        },
        absent => absent,
    }
}

/// The branch, or where it is set the tag, as a full ref.
pub(crate) fn branch_or_tag(env: &dyn Surroundings, branch: &str, tag: &str) -> Captured<String> {
    let below = |name: &str, folder: &str| variable(env, name, is_ref_part).map(|r| format!("{folder}{r}"));
    match (below(tag, "refs/tags/"), below(branch, "refs/heads/")) {
        (Captured::Absent { reason: no_tag }, Captured::Absent { reason: no_branch }) => {
            Captured::absent(&format!("{no_tag}, and {no_branch}"))
        }
        // A tag of another form is no word for the branch.
        (Captured::Absent { reason }, Captured::Found { .. }) if env.variable(tag).is_some() => {
            Captured::absent(&reason)
        }
        (tag, branch) => tag.or(branch),
    }
}

/// Somebody by the number that a server gives them: `github:1` for the one server that a short name means, else
/// `HOST:1`. The same number on two servers is two people.
pub(crate) fn principal(
    server: &Captured<String>,
    public: (&str, &str),
    id: &Captured<String>,
    name: &Captured<String>,
) -> Captured<Principal> {
    let (Ok(([server, number], source)), name) = (together([server, id]), name) else {
        return match (server, id) {
            (_, Captured::Absent { reason }) => {
                Captured::absent(&format!("{reason}, and a name alone can change hands"))
            }
            (Captured::Absent { reason }, _) => {
                Captured::absent(&format!("{reason}, so whose number it is is not known"))
            }
            _ => Captured::absent("not known"),
        };
    };
    let host = server.split("://").nth(1).and_then(|r| r.split('/').next()).unwrap_or(server).to_ascii_lowercase();
    let place = if host == public.0 { public.1.to_owned() } else { host };
    let source = match name {
        Captured::Found { source: by, .. } => format!("{source}, {by}"),
        Captured::Absent { .. } => source,
    };
    Captured::found(Principal { id: format!("{place}:{number}"), name: name.value().cloned() }, &source)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables alone.
    struct Job(Vec<(String, String)>);

    impl Surroundings for Job {
        fn variable(&self, name: &str) -> Option<&str> {
            self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
        }

        fn hostname(&self) -> Option<&str> {
            None
        }

        fn is_there(&self, _: &str) -> bool {
            false
        }
    }

    fn env(all: &[(&str, &str)]) -> Job {
        Job(all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn forms_are_as_documented_and_nothing_else() {
        for (good, bad, check) in [
            ("https://h.example:8/a?b=1", "https://u:p@h.example/", is_page as fn(&str) -> bool),
            ("http://h.example", "javascript:alert(1)", is_page),
            ("dir/ci.yml", "../ci.yml", is_path),
            (".gitlab-ci.yml", "ci.yml@group/project:ref", is_path),
            ("refs/heads/x@y", "heads/x", is_full_ref),
            ("feature/x", "a..b", is_ref_part),
            ("0123456789012345678901234567890123456789", "HEAD", is_commit),
            ("o/r", "o/r/x", is_repository),
        ] {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
        let (lower, upper) = ("a".repeat(40), "A".repeat(40));
        for given in [&lower, &upper] {
            assert_eq!(commit(&env(&[("A", given)]), "A").value(), Some(&lower));
        }
        assert!(commit(&env(&[("A", "HEAD")]), "A").value().is_none());
        let long = "x".repeat(limits::VALUE_BYTES + 1);
        for bad in ["a\nb", &long] {
            assert!(variable(&env(&[("A", bad)]), "A", any).value().is_none());
        }
    }

    #[test]
    fn one_number_on_two_servers_is_two_people() {
        let found = |text: &str| Captured::found(text.to_owned(), "X");
        let id = |server: &str| {
            let p = principal(&found(server), ("github.com", "github"), &found("1"), &Captured::absent("no name"));
            p.value().unwrap().id.clone()
        };
        assert_eq!(id("https://github.com"), "github:1");
        assert_eq!(id("https://GitHub.acme.example"), "github.acme.example:1");
        let nobody = principal(&Captured::absent("no server"), ("h", "h"), &found("1"), &found("alice"));
        assert!(nobody.value().is_none());
    }

    #[test]
    fn a_tag_goes_before_the_branch_and_is_never_guessed_from_it() {
        let at = |all: &[(&str, &str)]| branch_or_tag(&env(all), "BRANCH", "TAG").value().cloned();
        assert_eq!(at(&[("BRANCH", "main"), ("TAG", "v1")]).as_deref(), Some("refs/tags/v1"));
        assert_eq!(at(&[("BRANCH", "main")]).as_deref(), Some("refs/heads/main"));
        assert_eq!(at(&[("BRANCH", "main"), ("TAG", "a b")]), None);
        assert_eq!(at(&[]), None);
    }
}
