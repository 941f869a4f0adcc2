//! Whom trust flags accept: signers and roots.

use crate::cli::args::TrustArgs;
use crate::cli::exit::{Failure, codes};
use crate::cli::ui::Ui;
use crate::issuer;
use crate::model::plural::counted;
use crate::places::{self, roots};
use crate::policy::{CertificateMatch, Glob, Regexp, SignerRule, TextMatch};
use crate::roots::{SourceError, TufError};
use crate::trust::TrustedRoot;

/// Issuer of the tokens of GitHub Actions.
const GITHUB_ISSUER: &str = issuer::GITHUB_TOKENS;
/// Last arc of Fulcio's "Source Repository URI".
const SOURCE_REPOSITORY: u32 = 12;
/// Last arc of Fulcio's "Source Repository Owner URI".
const SOURCE_OWNER: u32 = 16;

/// Says which of the roots that evidence was verified with are old. They are used all the same: how long an authority
/// vouches, its window says.
pub(in crate::cli) fn warn_of_age(used: &[TrustedRoot], ui: &Ui) {
    for (origin, days) in roots::old(used, ui.now) {
        ui.note(&format!("the trusted root is {} old ({origin}): run `attest trust update`", counted(days, "day")));
    }
}

impl From<SourceError> for Failure {
    fn from(e: SourceError) -> Self {
        match e {
            SourceError::Tuf(e) => e.into(),
            _ => Self::usage(e.code(), e.to_string()),
        }
    }
}

impl From<TufError> for Failure {
    fn from(e: TufError) -> Self {
        match e {
            // What the repository gave was looked at, and is refused.
            TufError::Root { .. } => Self::no(e.code(), e.to_string()),
            _ => Self::of(e.code(), e.to_string()),
        }
    }
}

/// The signers that flags accept, any of them; none when no flag speaks of one. A key may speak for `builder`.
///
/// # Errors
/// Exit 2: a key that cannot be read, a pattern that is none, an identity without an issuer, a key beside what a
/// certificate must say.
pub(in crate::cli) fn signers(flags: &TrustArgs, builder: Option<&str>) -> Result<Vec<SignerRule>, Failure> {
    let builders: Vec<_> = builder.into_iter().map(Glob::exact).collect();
    let mut out = Vec::new();
    for reference in &flags.key {
        let rule = SignerRule::key(places::public_key(reference)?).label(format!("key {reference}"));
        out.push(rule.builders(builders.clone()));
    }
    if let Some(wanted) = certificate(flags)? {
        // Whoever adds a flag means to demand more: taken as alternatives, either one would let the other's signers in.
        if !out.is_empty() {
            let message = format!(
                "--key and {} cannot be given together, since no signature is made by both a key and a certificate: to \
                 accept either, list both under `signers` of a policy and pass it with --policy",
                certificate_flags(flags).join(", ")
            );
            return Err(Failure::usage(codes::USAGE, message));
        }
        // A certificate speaks for its own build-signer URI; only a policy lets it speak for others.
        out.push(SignerRule::certificate(wanted));
    }
    Ok(out)
}

fn certificate(flags: &TrustArgs) -> Result<Option<CertificateMatch>, Failure> {
    let usage = |m: String| Failure::usage(codes::USAGE, m);
    let regexp = |flag: &str, text: &str| {
        Regexp::parse(text)
            .map(TextMatch::Regexp)
            .map_err(|why| usage(format!("--{flag}: expected a regular expression, found `{text}`: {why}")))
    };
    let glob = |flag: &str, text: &str| {
        Glob::parse(text)
            .map(TextMatch::Glob)
            .ok_or_else(|| usage(format!("--{flag}: expected a text or glob, found `{text}`")))
    };
    let exact = |_: &str, text: &str| Ok(TextMatch::Exact(text.to_owned()));
    // Flags that speak of one text all hold: `--certificate-identity alice` must not let in whom a pattern beside it names.
    // The values of one flag are alternatives.
    let identities = [
        any(&flags.certificate_identity, "certificate-identity", exact)?,
        any(&flags.certificate_identity_glob, "certificate-identity-glob", glob)?,
        any(&flags.certificate_identity_regexp, "certificate-identity-regexp", regexp)?,
    ];
    let issuers = [
        any(&flags.certificate_oidc_issuer, "certificate-oidc-issuer", exact)?,
        any(&flags.certificate_oidc_issuer_regexp, "certificate-oidc-issuer-regexp", regexp)?,
    ];
    let mut wanted = CertificateMatch::of(together(issuers), together(identities));
    let by_github = ![&flags.signer_workflow, &flags.repo, &flags.owner].iter().all(|f| f.is_empty());
    let named = !wanted.identities.is_empty();
    if named == wanted.issuers.is_empty() && !by_github {
        let message = "an identity without an issuer can be had from anybody's issuer: both or neither must be given";
        return Err(Failure::usage(codes::IDENTITY_WITHOUT_ISSUER, message));
    }
    if by_github {
        github(flags, &mut wanted)?;
    }
    Ok((!wanted.identities.is_empty()).then_some(wanted))
}

/// The flags that were given and say what a certificate must say.
fn certificate_flags(flags: &TrustArgs) -> Vec<&'static str> {
    let all = [
        ("--certificate-identity", &flags.certificate_identity),
        ("--certificate-identity-glob", &flags.certificate_identity_glob),
        ("--certificate-identity-regexp", &flags.certificate_identity_regexp),
        ("--certificate-oidc-issuer", &flags.certificate_oidc_issuer),
        ("--certificate-oidc-issuer-regexp", &flags.certificate_oidc_issuer_regexp),
        ("--signer-workflow", &flags.signer_workflow),
        ("--repo", &flags.repo),
        ("--owner", &flags.owner),
    ];
    all.into_iter().filter_map(|(name, value)| (!value.is_empty()).then_some(name)).collect()
}

/// What the values of one flag ask for: any of them. `None` where it is not given.
fn any(
    values: &[String],
    flag: &str,
    read: impl Fn(&str, &str) -> Result<TextMatch, Failure>,
) -> Result<Option<TextMatch>, Failure> {
    let mut all = values.iter().map(|text| read(flag, text)).collect::<Result<Vec<_>, _>>()?;
    Ok(if all.len() > 1 { Some(TextMatch::Any(all)) } else { all.pop() })
}

/// One match that demands all of these; none where there are none.
fn together<const N: usize>(demands: [Option<TextMatch>; N]) -> Vec<TextMatch> {
    let demands: Vec<_> = demands.into_iter().flatten().collect();
    if demands.len() > 1 { vec![TextMatch::All(demands)] } else { demands }
}

/// What `--signer-workflow`, `--repo` and `--owner` demand.
fn github(flags: &TrustArgs, wanted: &mut CertificateMatch) -> Result<(), Failure> {
    let usage = |m: String| Failure::usage(codes::USAGE, m);
    let parts = |flag: &str, text: &str, expected: &str, good: &dyn Fn(usize) -> bool| {
        // No part may be empty or hold what a pattern or a URL reads in another way.
        let fine = |p: &str| !p.is_empty() && p != ".." && !p.contains(['*', '?', '#', ' ', '%', ':']);
        let path = text.split('@').next().unwrap_or_default();
        if good(path.split('/').count()) && path.split('/').all(fine) {
            Ok(())
        } else {
            Err(usage(format!("--{flag}: expected {expected}, found `{text}`")))
        }
    };
    if wanted.issuers.is_empty() {
        wanted.issuers.push(TextMatch::Exact(GITHUB_ISSUER.into()));
    }
    let under = |path: &str| {
        let path = Glob::parse(&format!("https://github.com/{}/**", path.to_ascii_lowercase()));
        path.map(|path| TextMatch::Workflow { path, any_case: true })
    };
    let mut of_source = Vec::new();
    let mut sources = |flag: &str, names: &[String], claim, form: &str, count: usize| -> Result<(), Failure> {
        let mut found = Vec::new();
        for name in names {
            parts(flag, name, form, &|n| n == count && !name.contains('@'))?;
            found.push(TextMatch::AnyCase(format!("https://github.com/{name}")));
            of_source.extend(under(name));
        }
        if !found.is_empty() {
            wanted.claims.push((claim, found));
        }
        Ok(())
    };
    sources("repo", &flags.repo, SOURCE_REPOSITORY, "OWNER/REPO", 2)?;
    sources("owner", &flags.owner, SOURCE_OWNER, "a GitHub owner", 1)?;
    if !flags.signer_workflow.is_empty() && !wanted.identities.is_empty() {
        let message = "--signer-workflow and --certificate-identity… say the same thing twice: pass one of them";
        return Err(usage(message.into()));
    }
    for workflow in &flags.signer_workflow {
        let workflow = workflow.strip_prefix("https://").unwrap_or(workflow);
        let workflow = workflow.strip_prefix("github.com/").unwrap_or(workflow);
        parts("signer-workflow", workflow, "OWNER/REPO/PATH[@REF]", &|n| n > 2)?;
        let identity = format!("https://github.com/{workflow}");
        wanted.identities.extend(match identity.contains('@') {
            true => Some(TextMatch::Exact(identity)),
            false => Glob::parse(&identity).map(|path| TextMatch::Workflow { path, any_case: false }),
        });
    }
    if wanted.identities.is_empty() {
        wanted.identities = of_source;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::SignerMatch;
    use std::collections::BTreeMap;

    fn takes(flags: &TrustArgs, identity: &str, claims: &[(u32, &str)]) -> bool {
        let claims: BTreeMap<_, _> = claims.iter().map(|(a, v)| (*a, (*v).to_owned())).collect();
        let signers = signers(flags, None).unwrap_or_else(|e| panic!("{}", e.message));
        signers.iter().any(|s| match &s.who {
            SignerMatch::Certificate(c) => c.matches(identity, GITHUB_ISSUER, &claims),
            _ => false,
        })
    }

    #[test]
    fn a_repository_is_meant_by_its_own_workflows_and_its_own_source() {
        let own = "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main";
        let shared = "https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v1";
        let source = [(12, "https://github.com/acme/app"), (16, "https://github.com/acme")];
        let repo = TrustArgs { repo: vec!["acme/app".into()], ..Default::default() };
        assert!(takes(&repo, own, &source));
        assert!(!takes(&repo, shared, &source));
        assert!(!takes(&repo, own, &[(12, "https://github.com/acme/app2")]));
        assert!(!takes(&repo, own, &[]));
        assert!(!takes(&repo, &own.replace("app/", "app2/"), &source));
        // GitHub's names have no case of their own, and a tag may hold `@`; what is before the first one counts.
        let spelled = TrustArgs { repo: vec!["Acme/APP".into()], ..Default::default() };
        assert!(takes(&spelled, own, &source));
        assert!(takes(&repo, &own.replace("acme/app", "Acme/App"), &[(12, "https://github.com/Acme/App")]));
        assert!(!takes(&spelled, own, &[(12, "https://github.com/acme/apq")]));
        assert!(takes(&repo, &own.replace("heads/main", "tags/pkg@1.0.0"), &source));
        assert!(!takes(&repo, &format!("https://github.com/evil/x@{own}"), &source));
        assert!(!takes(&repo, &own.replace("@refs/heads/main", "@"), &source));
        assert!(!takes(&repo, &own.replace("@refs/heads/main", ""), &source));
        let owner = TrustArgs { owner: vec!["acme".into()], ..Default::default() };
        assert!(takes(&owner, shared, &source));
        assert!(!takes(&owner, &own.replace("/acme/", "/acme-evil/"), &source));
        assert!(!takes(&owner, own, &[(16, "https://github.com/evil")]));
        let spelled = TrustArgs { owner: vec!["ACME".into()], ..Default::default() };
        assert!(takes(&spelled, shared, &source));
        let workflow = |w: &str| TrustArgs {
            repo: vec!["acme/app".into()],
            signer_workflow: vec![w.into()],
            ..Default::default()
        };
        assert!(takes(&workflow("acme/builders/.github/workflows/b.yml"), shared, &source));
        assert!(takes(&workflow("acme/builders/.github/workflows/b.yml@refs/tags/v1"), shared, &source));
        assert!(!takes(&workflow("acme/builders/.github/workflows/b.yml@refs/tags/v2"), shared, &source));
        assert!(!takes(&workflow("acme/builders/.github/workflows/b"), shared, &source));
        // A file's name has a case.
        assert!(!takes(&workflow("acme/builders/.github/workflows/B.yml"), shared, &source));
        let tagged = shared.replace("tags/v1", "tags/pkg@1.0.0");
        assert!(takes(&workflow("acme/builders/.github/workflows/b.yml"), &tagged, &source));
        assert!(takes(&workflow("acme/builders/.github/workflows/b.yml@refs/tags/pkg@1.0.0"), &tagged, &source));
    }

    #[test]
    fn one_flag_never_widens_another() {
        let issuer = || vec![GITHUB_ISSUER.to_owned()];
        let flags = |identity: Option<&str>, glob: Option<&str>, regexp: Option<&str>| TrustArgs {
            certificate_identity: identity.map(str::to_owned).into_iter().collect(),
            certificate_identity_glob: glob.map(str::to_owned).into_iter().collect(),
            certificate_identity_regexp: regexp.map(str::to_owned).into_iter().collect(),
            certificate_oidc_issuer: issuer(),
            ..Default::default()
        };
        let (alice, mallory) = ("alice@acme.example", "mallory@evil.example");
        for (identity, glob, regexp) in [
            (Some(alice), None, Some(".*@evil.example")),
            (Some(alice), Some("*@evil.example"), None),
            (None, Some("*@acme.example"), Some("mallory@.*")),
        ] {
            let flags = flags(identity, glob, regexp);
            assert!(!takes(&flags, mallory, &[]) && !takes(&flags, alice, &[]), "{flags:?}");
        }
        let twin = flags(Some(alice), Some("*@acme.example"), Some("alice@.*"));
        assert!(takes(&twin, alice, &[]) && !takes(&twin, mallory, &[]));
        // Issuers, too.
        let other = |r: &str| TrustArgs {
            certificate_identity: vec![alice.into()],
            certificate_oidc_issuer: vec!["https://other.example".into()],
            certificate_oidc_issuer_regexp: vec![r.into()],
            ..Default::default()
        };
        assert!(!takes(&other(".*"), alice, &[]));
        assert!(takes(&TrustArgs { certificate_oidc_issuer: issuer(), ..other(".*") }, alice, &[]));
    }

    #[test]
    fn values_of_one_flag_are_alternatives_and_flags_still_hold_together() {
        let words = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let (alice, bob, mallory) = ("alice@acme.example", "bob@acme.example", "mallory@evil.example");
        let issuer = words(&[GITHUB_ISSUER]);
        let exact = TrustArgs {
            certificate_identity: words(&[alice, bob]),
            certificate_oidc_issuer: issuer.clone(),
            ..Default::default()
        };
        assert!(takes(&exact, alice, &[]) && takes(&exact, bob, &[]) && !takes(&exact, mallory, &[]));
        // A second flag holds for each alternative.
        let both = TrustArgs { certificate_identity_glob: words(&["b*@**", "m*@**"]), ..exact.clone() };
        assert!(takes(&both, bob, &[]) && !takes(&both, alice, &[]) && !takes(&both, mallory, &[]));
        let third = TrustArgs { certificate_identity_regexp: words(&["a.*", "c.*"]), ..both };
        assert!(![alice, bob, mallory].iter().any(|name| takes(&third, name, &[])));
        // Issuers, and the flags of GitHub.
        let of = |issuers: &[&str]| TrustArgs { certificate_oidc_issuer: words(issuers), ..exact.clone() };
        assert!(takes(&of(&["https://other.example", GITHUB_ISSUER]), alice, &[]));
        assert!(!takes(&of(&["https://other.example", "https://third.example"]), alice, &[]));
        let source = [(SOURCE_REPOSITORY, "https://github.com/acme/app")];
        let identity = "https://github.com/acme/app/.github/workflows/w.yml@refs/heads/main";
        let repo = |names: &[&str]| TrustArgs { repo: words(names), ..Default::default() };
        assert!(takes(&repo(&["acme/lib", "acme/app"]), identity, &source));
        assert!(!takes(&repo(&["acme/lib", "acme/tool"]), identity, &source));
        let workflow = |names: &[&str]| TrustArgs { signer_workflow: words(names), ..Default::default() };
        let [own, other] = ["acme/app/.github/workflows/w.yml", "acme/app/.github/workflows/x.yml"];
        assert!(takes(&workflow(&[other, own]), identity, &source) && !takes(&workflow(&[other]), identity, &source));
    }

    #[test]
    fn a_key_beside_a_certificate_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.pub");
        let written = crate::places::files::replace(&path, include_bytes!("../../sign/testdata/ed25519.pub"));
        assert!(written.is_ok());
        let key = TrustArgs { key: vec![path.display().to_string()], ..Default::default() };
        assert_eq!(signers(&key, None).map(|s| s.len()).map_err(|e| e.message), Ok(1));
        for beside in [
            TrustArgs { repo: vec!["acme/app".into()], ..key.clone() },
            TrustArgs { owner: vec!["acme".into()], ..key.clone() },
            TrustArgs { signer_workflow: vec!["acme/app/w.yml".into()], ..key.clone() },
            TrustArgs {
                certificate_identity: vec!["a".into()],
                certificate_oidc_issuer: vec!["https://i".into()],
                ..key.clone()
            },
        ] {
            let failure = signers(&beside, None).map(|_| ()).unwrap_err();
            let given = certificate_flags(&beside).join(", ");
            let named =
                failure.message.contains(&format!("--key and {given} ")) && failure.message.contains("--policy");
            assert!(failure.code == codes::USAGE && !given.is_empty() && named, "{}", failure.message);
        }
    }

    #[test]
    fn half_an_identity_is_refused() {
        let code = |f: TrustArgs| signers(&f, None).map(|s| s.len()).map_err(|e| e.code.to_string());
        let identity = TrustArgs { certificate_identity: vec!["a".into()], ..Default::default() };
        let issuer = TrustArgs { certificate_oidc_issuer: vec!["https://i".into()], ..Default::default() };
        assert_eq!(code(identity.clone()), Err("identity-without-issuer".into()));
        assert_eq!(code(issuer.clone()), Err("identity-without-issuer".into()));
        assert_eq!(code(TrustArgs { certificate_oidc_issuer: issuer.certificate_oidc_issuer, ..identity }), Ok(1));
        assert_eq!(code(TrustArgs::default()), Ok(0));
        for bad in ["acme", "acme/app/x", "acme/", "acme/*", "acme/app@x"] {
            assert_eq!(code(TrustArgs { repo: vec![bad.into()], ..Default::default() }), Err("usage".into()), "{bad}");
        }
    }
}
