//! What is said where there is no policy and no flag that says whom to trust.

use crate::cli::args::looked::about_one;
use crate::cli::args::named::{Around, Expanded};
use crate::cli::args::target;
use crate::cli::args::{Common, EvidenceArgs};
use crate::cli::exit::{Failure, codes};
use crate::cli::show::sanitize::{line, shell};
use crate::model::plural::counted;
use std::fmt::Write as _;

/// What there is of each subject, and the command line that would demand it. Nothing of it is verified.
pub(in crate::cli) async fn no_policy(
    subjects: &Expanded,
    around: &Around,
    evidence: &EvidenceArgs,
    digest: bool,
    common: &Common,
) -> Failure {
    let mut failure = Failure::usage(
        codes::NO_POLICY,
        "there is no policy on this machine and no flag says whom to trust, so nothing can be verified",
    );
    for named in &subjects.all {
        let named = match named {
            Ok(named) => named,
            Err(e) => {
                let _ = writeln!(failure.detail, "{}", line(&e.message));
                continue;
            }
        };
        let typed = named.name.as_str();
        let resolved = match target::resolve_named(named, around, common, evidence, digest).await {
            Ok(r) => r,
            Err(e) => {
                let _ = writeln!(failure.detail, "{}: {}", line(typed), line(&e.message));
                continue;
            }
        };
        let (found, others) = match about_one(&resolved).await {
            Ok(found) => found,
            Err(e) => {
                let _ = writeln!(failure.detail, "{}: {}", line(typed), line(&e.message));
                continue;
            }
        };
        let what = match (found.is_empty(), others) {
            (true, 0) => "no attestation".to_owned(),
            (true, n) => format!("no attestation, but {} of something else", counted(n, "attestation")),
            (false, _) => "all of it UNVERIFIED".to_owned(),
        };
        let _ = writeln!(failure.detail, "found for {} ({}): {what}", line(typed), resolved.artifact.digest);
        let mut types = Vec::new();
        for f in &found {
            let what = match &f.claim {
                Ok(c) => {
                    let by = match &c.certificate {
                        Some((identity, issuer)) if !issuer.is_empty() => format!(
                            "--certificate-identity {} --certificate-oidc-issuer {}",
                            shell(identity),
                            shell(issuer)
                        ),
                        _ => "--key PUBLIC_KEY".to_owned(),
                    };
                    types.push((c.statement.predicate_type().to_string(), by));
                    format!("{} signed by {}", line(c.statement.predicate_type().as_str()), line(&c.signer))
                }
                Err(e) => line(e),
            };
            let _ = writeln!(failure.detail, "  {what}");
        }
        types.sort();
        types.dedup();
        let provenance = crate::model::uri::SLSA_PROVENANCE;
        if types.is_empty() {
            types.push((provenance.to_owned(), "--key PUBLIC_KEY".to_owned()));
        }
        for (t, by) in types {
            let kind = if t == provenance { String::new() } else { format!(" --predicate-type {}", shell(&t)) };
            let _ = writeln!(failure.detail, "to demand it: attest verify {} {by}{kind}", shell(typed));
        }
    }
    failure
}
