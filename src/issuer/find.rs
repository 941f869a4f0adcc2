//! Finds what is known of one of [`ALL`], or of all of them.

use super::known::{ALL, local};
use super::{Issuer, Surroundings, System, Tokens};
use crate::model::Trigger;

/// Every CI system, the most particular first; the last one is a machine without any.
pub fn platforms() -> impl Iterator<Item = (&'static str, &'static System)> {
    ALL.iter().filter_map(|i| Some((i.name, i.system.as_ref()?)))
}

/// The platform that this process runs on.
#[must_use]
pub fn detect(env: &dyn Surroundings) -> (&'static str, &'static System) {
    let last = || platforms().last().unwrap_or((local::NAME, &local::SYSTEM));
    platforms().find(|(_, system)| system.platform.detects(env)).unwrap_or_else(last)
}

/// The one of a name.
pub(crate) fn named(name: &str) -> Option<&'static Issuer> {
    ALL.iter().copied().find(|i| i.name == name)
}

/// The tokens of an issuer, by its address; none where no provider is known that has it.
#[must_use]
pub fn tokens_of(issuer: &str) -> Option<&'static Tokens> {
    let takes = |t: &&Tokens| lists(t.issuers, issuer) || lists(t.elsewhere, issuer);
    ALL.iter().filter_map(|i| i.tokens.as_ref()).find(takes)
}

/// Whether what a certificate says of a token can be told from the token alone: of the issuers whose mapping is published. How
/// an authority words the tokens of a server of its users' own is for its configuration to say.
#[must_use]
pub fn is_foreseen(issuer: &str) -> bool {
    tokens_of(issuer).is_some_and(|t| lists(t.issuers, issuer))
}

/// Whether one of the patterns is for the issuer.
pub(super) fn lists(patterns: &[&str], issuer: &str) -> bool {
    patterns.iter().any(|pattern| issuer_matches(pattern, issuer))
}

fn issuer_matches(pattern: &str, issuer: &str) -> bool {
    let word = |w: &str| !w.is_empty() && !w.contains(['/', '?', '#', '@', ':']);
    match pattern.split_once('*') {
        None => pattern == issuer,
        Some((before, after)) => {
            issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(word)
        }
    }
}

/// What a platform calls an event: whoever dispatches a run, or starts one on a page or over an API, is a person.
#[must_use]
pub fn trigger_of(event: &str) -> Trigger {
    let any = |of: fn(&System) -> &'static [&'static str]| platforms().any(|(_, s)| of(s).contains(&event));
    match (any(|s| s.manual), any(|s| s.scheduled)) {
        (true, _) => Trigger::Manual,
        (_, true) => Trigger::Scheduled,
        _ => Trigger::Event,
    }
}

/// The run of a CI system that a process belongs to: the variables that name it. Those of the platform that is recognised
/// count before those of any other that are set.
pub(crate) fn run(env: &dyn Surroundings) -> Option<String> {
    let named = |system: &System| {
        let set = |group: &&[&'static str]| {
            let set: Vec<_> = group.iter().filter_map(|name| Some(format!("{name}={}", env.variable(name)?))).collect();
            (!set.is_empty()).then(|| set.join(" "))
        };
        system.run.iter().find_map(set)
    };
    named(detect(env).1).or_else(|| platforms().find_map(|(_, system)| named(system)))
}

/// Whether a variable, by its name in capitals, asks for the right to sign; `exactly` leaves out the names of which a
/// platform says only how they begin.
pub(crate) fn withheld(upper: &str, exactly: bool) -> bool {
    let begins = |i: &Issuer| !exactly && i.withheld_beginnings.iter().any(|b| upper.starts_with(b));
    ALL.iter().any(|i| i.withheld.contains(&upper) || begins(i))
}

/// Variables that CI systems set for every job.
pub(crate) fn marks() -> impl Iterator<Item = &'static str> {
    platforms().flat_map(|(_, system)| system.marks).copied()
}

/// Variables of platforms that hold credentials, each with its kind.
pub(crate) fn credentials() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().flat_map(|i| i.credentials).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// A job's variables, and its folders.
    struct Job(BTreeMap<&'static str, &'static str>, &'static str);

    impl Surroundings for Job {
        fn variable(&self, name: &str) -> Option<&str> {
            self.0.get(name).copied().filter(|v| !v.is_empty())
        }

        fn hostname(&self) -> Option<&str> {
            Some("host-1")
        }

        fn is_there(&self, path: &str) -> bool {
            self.1 == path
        }
    }

    fn run_of(set: &[(&'static str, &'static str)]) -> Option<String> {
        run(&Job(set.iter().copied().collect(), ""))
    }

    #[test]
    fn a_run_is_named_by_the_variables_of_its_platform() {
        let azure = [
            ("TF_BUILD", "True"),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
            ("SYSTEM_TEAMPROJECTID", "p-1"),
            ("BUILD_BUILDID", "77"),
        ];
        let named = "SYSTEM_COLLECTIONURI=https://dev.azure.com/acme/ SYSTEM_TEAMPROJECTID=p-1 BUILD_BUILDID=77";
        assert_eq!(run_of(&azure).as_deref(), Some(named));
        let jenkins = [("JENKINS_URL", "https://ci.example/"), ("BUILD_URL", "https://ci.example/job/app/7/")];
        assert_eq!(run_of(&jenkins).as_deref(), Some("BUILD_URL=https://ci.example/job/app/7/"));
        // Every task of a pipeline's run is a pod of its own: the pipeline's run counts where a task hands it over.
        let task = [("TEKTON_TASKRUN_NAME", "app-1"), ("TEKTON_TASKRUN_UID", "u-1")];
        assert_eq!(run_of(&task).as_deref(), Some("TEKTON_TASKRUN_UID=u-1"));
        let pipeline = [&task[..], &[("TEKTON_PIPELINERUN_UID", "u-9")]].concat();
        assert_eq!(run_of(&pipeline).as_deref(), Some("TEKTON_PIPELINERUN_UID=u-9"));
        assert_eq!(run_of(&[("GITHUB_RUN_ID", "7"), ("GITHUB_RUN_ATTEMPT", "")]).as_deref(), Some("GITHUB_RUN_ID=7"));
        // What is left over of another platform around a job says nothing of it.
        let both = [&jenkins[..], &[("TF_BUILD", "true"), ("BUILD_BUILDID", "77")]].concat();
        assert_eq!(run_of(&both).as_deref(), Some("BUILD_BUILDID=77"));
        let left_over = [&[("GITHUB_RUN_ID", "7")], &jenkins[..]].concat();
        assert_eq!(run_of(&left_over).as_deref(), Some("BUILD_URL=https://ci.example/job/app/7/"));
        assert_eq!(run_of(&[("CI", "true")]), None);
    }

    /// Two jobs of one run name one run, and two runs never do: else an entry that one run left could be signed in another.
    #[test]
    fn each_platform_names_its_runs_by_something_of_its_own() {
        for (name, system) in platforms().filter(|(name, _)| *name != local::NAME) {
            assert!(!system.run.is_empty() && system.run.iter().all(|g| !g.is_empty()), "{name} names no run");
            assert!(!system.marks.is_empty() && !system.title.is_empty(), "{name}");
            assert!(!system.section.is_empty() && !system.section.contains('.'), "{name}");
        }
    }

    #[test]
    fn no_two_have_one_name_or_one_issuer() {
        let (mut names, mut issuers) = (BTreeSet::new(), BTreeSet::new());
        for one in ALL {
            assert!(names.insert(one.name), "{} stands there twice", one.name);
            for issuer in one.tokens.iter().flat_map(|t| t.issuers.iter().chain(t.elsewhere)) {
                assert!(issuers.insert(issuer), "{issuer} stands there twice");
            }
        }
    }

    #[test]
    fn issuers_are_told_apart() {
        for (issuer, name) in [
            ("https://token.actions.githubusercontent.com", Some("github")),
            ("https://token.actions.githubusercontent.com/acme", Some("github")),
            ("https://token.actions.acme.ghe.com", Some("github")),
            ("https://token.actions.githubusercontent.com/acme/x", None),
            ("https://token.actions.evil.example/.ghe.com", None),
            ("https://token.actions.githubusercontent.com.evil.example", None),
            ("https://oidc.circleci.com/org/5", Some("circleci")),
            ("https://gitlab.com", Some("gitlab")),
            ("https://gitlab.archlinux.org", Some("gitlab")),
            ("https://gitlab.acme.example", None),
            ("https://accounts.google.com", Some("email")),
        ] {
            assert_eq!(tokens_of(issuer).map(|t| t.provider), name, "{issuer}");
        }
    }

    #[test]
    fn only_of_published_mappings_a_certificate_is_known_beforehand() {
        for (issuer, foreseen) in [
            ("https://gitlab.com", true),
            ("https://token.actions.acme.ghe.com", true),
            ("https://accounts.google.com", true),
            ("https://gitlab.archlinux.org", false),
            ("https://gitlab.acme.example", false),
            ("https://gitlab.com.evil.example", false),
        ] {
            assert_eq!(is_foreseen(issuer), foreseen, "{issuer}");
        }
    }

    #[test]
    fn an_event_is_asked_for_timed_or_neither() {
        for (event, trigger) in [
            ("workflow_dispatch", Trigger::Manual),
            ("web", Trigger::Manual),
            ("api", Trigger::Manual),
            ("ui", Trigger::Manual),
            ("schedule", Trigger::Scheduled),
            ("push", Trigger::Event),
        ] {
            assert_eq!(trigger_of(event), trigger, "{event}");
        }
    }
}
