//! The sections of `internalParameters` that are a platform's own, and their members that a certificate repeats: rows made
//! from what is known of each platform.

use super::{Fact, Form, INTERNAL_PARAMETERS, Row, fact};
use crate::issuer;
use std::sync::LazyLock;

/// The sections, in the order in which platforms are recognised.
static SECTIONS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let own = issuer::platforms().map(|(_, system)| system).filter(|system| !system.section.is_empty());
    own.map(|system| {
        Row::new(Form::TextMap, system.about)
            .page(system.title, "see \"Platforms\"", "another platform")
            .at(path(system.section))
    })
    .collect()
});

/// Members that a certificate repeats.
static MEMBERS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let told = |arc: u32| fact::ALL.iter().position(|f| f.claim == Some(arc));
    let rows = issuer::platforms().flat_map(|(_, system)| {
        system.tells.iter().filter_map(move |(member, arc)| {
            let at = told(*arc)?;
            let path = path(&format!("{}.{member}", system.section));
            let facts: &'static [&'static Fact] = &fact::ALL[at..=at];
            Some(Row::part().tells(facts).at(path))
        })
    });
    rows.collect()
});

/// A path below `internalParameters`, made once for each process: rows have paths that last as long as it.
fn path(below: &str) -> &'static str {
    format!("{}.{below}", INTERNAL_PARAMETERS.path).leak()
}

/// The rows of the sections.
pub(super) fn sections() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter()
}

/// The rows of the members.
pub(super) fn members() -> impl Iterator<Item = &'static Row> {
    MEMBERS.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_that_a_platform_says_a_certificate_repeats_is_one_of_its_own_and_a_fact() {
        let said: usize = issuer::platforms().map(|(_, system)| system.tells.len()).sum();
        assert_eq!(members().count(), said, "no claim of a fact");
        for (name, system) in issuer::platforms() {
            for (member, _) in system.tells {
                assert!(system.details.iter().any(|d| d.0 == *member), "{name}: {member} is no member");
            }
        }
    }
}
