//! What of a file may stand in clear: names, ids and paths in the repository; no place of a machine and no address of a person.

use super::claude_code::add;
use crate::model::remote;
use crate::record::draft::{has_address, is_outside};
use serde_json::Value;
use std::path::Path;

/// A name or an id. One that is a path of a machine, or has somebody's address in it, is withheld.
pub(super) fn plain(record: &mut Value, field: &str, value: Option<&str>) {
    match value {
        Some(value) if !may_stand(value) => record[field] = Value::Null,
        value => add(record, field, value),
    }
}

/// What something was done to: a path in the repository, or what else names it.
pub(super) fn place(record: &mut Value, target: Option<&str>) {
    plain(record, "target", target);
}

/// Whether a text is neither a path of a machine nor has somebody's address in it.
pub(super) fn may_stand(text: &str) -> bool {
    !is_outside(text) && !has_address(text)
}

/// The address of a repository in one form, without who asks and with what. None of one on a disk.
pub(super) fn repository_of(url: &str) -> Option<String> {
    if is_outside(url) {
        return None;
    }
    remote::normalise(url, Path::new("/")).filter(|url| !url.starts_with("file:") && may_stand(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_of_a_person_and_no_place_of_a_machine_stands_in_clear() {
        for bad in
            ["alice@example.com", "x <a.b@example.co.uk>", "fix/alice@example.com/1", "/home/alice/x", "~/x", "C:\\x"]
        {
            assert!(!may_stand(bad), "{bad}");
        }
        for good in ["main", "acme/app#57", "node_modules/@scope/x.js", "pkg@1.2.3", "git@github", "@x.y"] {
            assert!(may_stand(good), "{good}");
        }
    }

    #[test]
    fn a_repository_has_one_address_without_a_credential() {
        for url in [
            "https://github.com/acme/app.git",
            "https://user:token@github.com/acme/app",
            "git@github.com:acme/app.git",
            "ssh://git@github.com/acme/app.git",
        ] {
            assert_eq!(repository_of(url).as_deref(), Some("https://github.com/acme/app"), "{url}");
        }
        for none in ["/srv/app", "file:///srv/app", "C:/app", ""] {
            assert_eq!(repository_of(none), None, "{none}");
        }
    }
}
