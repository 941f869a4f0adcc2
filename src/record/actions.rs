//! The one table of action types: what an agent can do, in the names that questions use.

/// An action type with what it means.
pub type ActionType = (&'static str, &'static str);

/// Every action type. Another one may be recorded as well, in the same form of name; what is in this table is explained and
/// counted.
pub const ALL: &[ActionType] = &[
    ("file_read", "a file was read"),
    ("file_create", "a file was made"),
    ("file_modify", "a file was changed"),
    ("file_delete", "a file was removed"),
    ("command_run", "a command was run"),
    ("search", "files or the web were searched"),
    ("web_fetch", "a page was fetched"),
    ("tool_call", "a tool was called that is none of the others"),
    ("agent_start", "another agent was started"),
    ("commit", "a commit was made"),
    ("push", "commits were pushed"),
    ("branch_create", "a branch was made"),
    ("pr_create", "a pull request was opened"),
    ("pr_comment", "something was said about a pull request"),
    ("pr_review", "a pull request was looked at, and neither approved nor refused"),
    ("pr_approve", "a pull request was approved"),
    ("pr_reject", "changes to a pull request were asked for"),
    ("merge", "a pull request was merged"),
    ("issue_create", "an issue was opened"),
    ("issue_comment", "something was said about an issue"),
    ("issue_close", "an issue was closed"),
    ("memory_write", "something was written down for later sessions"),
    ("deploy", "something was put into service"),
    ("permission_request", "a person was asked for leave"),
];

/// Whether a name has the form of an action type: words of lower-case letters and digits, joined by `_`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 64 && name.split('_').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_the_form_of_one_and_stands_once() {
        for (name, _) in ALL {
            assert!(is_name(name), "{name}");
            assert_eq!(ALL.iter().filter(|(n, _)| n == name).count(), 1, "{name}");
        }
        for bad in ["", "file.write", "File", "a__b", "_a", "a_", "a b"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
