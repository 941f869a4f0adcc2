//! What a signing certificate says of source and builder where the predicate says nothing of them.
//!
//! An SBOM or a scan names no source; the certificate of the job that signed it does, and says no less than beside a
//! provenance. It never overrules a predicate: where both speak, [`cross_check`](super::cross_check()) compares them.

use super::FromCertificate;
use super::cross_check::{is_commit, runner_beside};
use super::providers::{BUILDER_ROW, COMMIT_ROW, REF_ROW, REPOSITORY_ROW, Row, rows_of};
use crate::predicate::Provenance;
use std::collections::BTreeMap;

/// What the certificate adds to a statement. `speaks_for_others`: the policy lists builders that this signer may speak
/// for, so that a provenance names the builder, and the certificate only whoever signed for it.
#[must_use]
pub(super) fn beside(
    issuer: &str,
    claims: &BTreeMap<u32, String>,
    provenance: Option<&Provenance>,
    speaks_for_others: bool,
) -> FromCertificate {
    let known: Vec<_> = rows_of(issuer).map(|row| row.claim).collect();
    let claim = |row: &Row| claims.get(&row.claim).filter(|c| known.contains(&row.claim) && !c.is_empty()).cloned();
    let own = provenance.and_then(Provenance::source);
    // A source that is said in a form which is not read is no silence: it may be another one.
    let silent = own.is_some() || !provenance.is_some_and(Provenance::names_source);
    let source = |row: &Row, said: bool| claim(row).filter(|_| silent && !said);
    let url = |text: String| if text.contains("://") { text } else { format!("https://{text}") };
    let builder = match provenance {
        None => claim(&BUILDER_ROW),
        Some(p) => claim(&BUILDER_ROW).filter(|_| !speaks_for_others && runner_beside(claims, &p.builder_id).is_some()),
    };
    FromCertificate {
        repository: source(&REPOSITORY_ROW, own.as_ref().is_some_and(|s| s.repository.is_some())).map(url),
        reference: source(&REF_ROW, own.as_ref().is_some_and(|s| s.reference.is_some()))
            .filter(|r| r.starts_with("refs/")),
        commit: source(&COMMIT_ROW, own.as_ref().is_some_and(|s| s.commit.is_some()))
            .filter(|c| is_commit(c))
            .map(|c| c.to_ascii_lowercase()),
        builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::GITHUB_TOKENS;
    use serde_json::{Value, json};

    fn claims() -> BTreeMap<u32, String> {
        let all = [
            (9, "https://github.com/acme/b/.github/workflows/b.yml@refs/tags/v1"),
            (11, "github-hosted"),
            (12, "https://github.com/acme/app"),
            (13, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            (14, "refs/heads/main"),
        ];
        all.into_iter().map(|(arc, value)| (arc, value.to_owned())).collect()
    }

    fn provenance(external: Value, builder: &str) -> Provenance {
        let predicate = json!({
            "buildDefinition": { "buildType": "https://acme.example/build", "externalParameters": external },
            "runDetails": { "builder": { "id": builder } },
        });
        Provenance::from_value(&predicate).unwrap()
    }

    #[test]
    fn a_predicate_that_says_nothing_leaves_the_word_to_the_certificate() {
        let all = beside(GITHUB_TOKENS, &claims(), None, false);
        assert_eq!(all.commit, Some("a".repeat(40)));
        assert_eq!(all.repository.as_deref(), Some("https://github.com/acme/app"));
        assert!(all.reference.is_some() && all.builder.is_some() && all.has_source());
        // An address has no repository, whatever its certificate says.
        assert_eq!(beside("https://accounts.google.com", &claims(), None, false), FromCertificate::default());
    }

    #[test]
    fn what_the_predicate_says_the_certificate_does_not_say_for_it() {
        let source = json!({ "source": { "uri": "git+https://github.com/acme/app" } });
        let said = provenance(source, "https://b.example");
        let found = beside(GITHUB_TOKENS, &claims(), Some(&said), false);
        assert_eq!((found.repository, found.builder), (None, None));
        assert!(found.reference.is_some() && found.commit.is_some());
        // A commit without an address leaves the address to the certificate.
        let commit = json!({ "source": { "digest": { "gitCommit": "a".repeat(40) } } });
        let found = beside(GITHUB_TOKENS, &claims(), Some(&provenance(commit, "https://b.example")), false);
        assert_eq!((found.repository.as_deref(), found.commit), (Some("https://github.com/acme/app"), None));
        let unread = provenance(json!({ "source": { "uri": "https://evil.example/app.tar.gz" } }), "https://b.example");
        assert!(!beside(GITHUB_TOKENS, &claims(), Some(&unread), false).has_source());
    }

    #[test]
    fn a_builder_that_is_a_kind_of_runner_leaves_the_word_to_the_certificate() {
        let runner = provenance(json!({}), "https://github.com/actions/runner/github-hosted");
        let builder = |others| beside(GITHUB_TOKENS, &claims(), Some(&runner), others).builder;
        assert_eq!(builder(false), claims().get(&9).cloned());
        assert_eq!(builder(true), None);
        let other = provenance(json!({}), "https://github.com/actions/runner/self-hosted");
        assert_eq!(beside(GITHUB_TOKENS, &claims(), Some(&other), false).builder, None);
    }

    #[test]
    fn what_is_no_ref_or_no_commit_is_none() {
        let mut claims = claims();
        claims.insert(13, "HEAD".into());
        claims.insert(14, "main".into());
        claims.insert(12, "github.com/acme/app".into());
        let found = beside("https://id.acme.example", &claims, None, false);
        assert_eq!((found.commit, found.reference), (None, None));
        assert_eq!(found.repository.as_deref(), Some("https://github.com/acme/app"));
    }
}
