//! A policy file: from text to [`Policy`], whole or not at all.

use super::{
    ApprovalRule, At, CLAIMS, CertificateMatch, Glob, Mode, People, Policy, PolicyError, Regexp, Requirement, Revoked,
    SignerRule, SnapshotRule, TextMatch, TrustRule, WitnessRule, image_glob, measures, rule,
};
use crate::model::digest::DigestAlgorithm;
use crate::model::yaml::{Bounds, Kind, Node};
use crate::model::{Digest, PredicateUri, Timestamp, ValidityWindow, limits};
use crate::trust::PublicKey;

/// `apiVersion` of a policy.
pub(super) const API_VERSION: &str = "agent-attest.github.io/v1";
/// `kind` of a policy.
pub(super) const KIND: &str = "AttestationPolicy";

/// Finds the key that a policy names: a path relative to the policy file. The error is for people.
pub(super) type KeyLoader<'a> = &'a dyn Fn(&str) -> Result<PublicKey, String>;

/// Reads the values of a policy file, whatever they say.
///
/// # Errors
/// [`PolicyError::Syntax`] and [`PolicyError::TooLarge`].
pub fn node(text: &str) -> Result<Node, PolicyError> {
    let (bytes, nodes) = (limits::POLICY_BYTES, limits::POLICY_NODES);
    Ok(Node::parse(text, &Bounds { what: "a policy", bytes, nodes, depth: limits::JSON_DEPTH })?)
}

/// Reads a policy. `origin` is the file's name; `load_key` reads the keys it names by path.
///
/// # Errors
/// [`PolicyError`] for an unknown field, one this version does not enforce, a missing or malformed one, a key that
/// cannot be read.
pub fn parse(text: &str, origin: &str, load_key: KeyLoader<'_>) -> Result<Policy, PolicyError> {
    let node = node(text)?;
    let root = At::root(&node);
    root.fields(&["apiVersion", "kind", "metadata", "spec"], &[])?;
    for (key, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let field = root.need(key)?;
        if field.str()? != wanted {
            return Err(field.error(format!("`{wanted}`")));
        }
    }
    let metadata = root.need("metadata")?;
    metadata.fields(&["name", "labels", "annotations"], &[])?;
    let spec = root.need("spec")?;
    spec.fields(&["images", "mode", "people", "revoked", "require"], &["onUnavailable"])?;
    let requirements = spec.need("require")?.list()?;
    let name = metadata.need("name")?.str()?;
    let mut policy = Policy::named(name).read_from(origin, Digest::sha256(text.as_bytes()));
    for glob in &spec.need("images")?.list()? {
        policy = policy.image(image(glob)?);
    }
    if let Some(f) = spec.get("mode") {
        policy = policy.mode(mode(&f)?);
    }
    for r in &requirements {
        policy = policy.require(requirement(r, load_key)?);
    }
    if let Some(f) = spec.get("revoked") {
        policy = policy.revoked(revoked(&f, load_key)?);
    }
    if let Some(f) = spec.get("people") {
        policy = policy.people(People::parse(&f)?);
    }
    Ok(policy)
}

fn image(field: &At<'_>) -> Result<Glob, PolicyError> {
    field.fields(&["glob"], &[])?;
    let glob = field.need("glob")?;
    image_glob(glob.str()?).map_err(|expected| glob.error(expected))
}

fn mode(field: &At<'_>) -> Result<Mode, PolicyError> {
    match field.str()? {
        "enforce" => Ok(Mode::Enforce),
        "warn" => Ok(Mode::Warn),
        "audit" => Ok(Mode::Audit),
        _ => Err(field.error("enforce, warn or audit")),
    }
}

fn requirement(field: &At<'_>, load_key: KeyLoader<'_>) -> Result<Requirement, PolicyError> {
    let rules: Vec<_> = rule::ALL.iter().map(|r| r.name()).collect();
    let known: Vec<_> =
        ["predicateType", "signers", "threshold", "trust", "approvals"].into_iter().chain(rules).collect();
    let later = ["credentials", "dependencies", "maxAge", "cel"];
    field.fields(&known, &later)?;
    let predicate_type = match field.get("predicateType") {
        Some(f) => PredicateUri::parse(f.str()?).ok_or_else(|| f.error("an absolute URI"))?,
        None => PredicateUri::slsa_provenance(),
    };
    let signers = field.need("signers")?.list()?;
    // Only provenance names a builder, a charter or a commit: for another type these would bind nothing.
    if predicate_type.as_str() != crate::model::uri::SLSA_PROVENANCE {
        let of_signers = |name| signers.iter().find_map(|s| s.get(name));
        let found = of_signers("builders").or_else(|| of_signers("measures")).or_else(|| field.get("approvals"));
        if let Some(found) = found {
            return Err(found.error("no such field, which only a SLSA provenance v1 gives a meaning"));
        }
    }
    let checks = rule::ALL.iter().filter_map(|r| Some(r.parse(&field.get(r.name())?))).collect::<Result<_, _>>()?;
    Ok(Requirement {
        predicate_type,
        signers: signers.iter().map(|s| signer(s, load_key)).collect::<Result<_, _>>()?,
        threshold: field.get("threshold").map_or(Ok(1), |f| count(&f))?,
        trust: field.get("trust").map(|f| trust(&f)).transpose()?.unwrap_or_default(),
        approvals: field.get("approvals").map(|f| ApprovalRule::parse(&f, load_key)).transpose()?,
        snapshot: field
            .get("charter")
            .and_then(|f| f.get("snapshot"))
            .map(|f| SnapshotRule::parse(&f, load_key))
            .transpose()?,
        checks,
    })
}

pub(super) fn count(field: &At<'_>) -> Result<usize, PolicyError> {
    let number = field.str()?.parse::<usize>().ok().filter(|n| (1..=MOST).contains(n));
    number.ok_or_else(|| field.error(format!("a number from 1 to {MOST}")))
}

/// Most signers, logs or authorities that a policy may ask for.
pub(super) const MOST: usize = 32;

fn trust(field: &At<'_>) -> Result<TrustRule, PolicyError> {
    field.fields(&["logs", "timestamps", "witnesses", "allowPromiseOnly", "maxAge"], &[])?;
    Ok(TrustRule {
        logs: field.get("logs").map_or(Ok(0), |f| count(&f))?,
        timestamps: field.get("timestamps").map_or(Ok(0), |f| count(&f))?,
        witnesses: field.get("witnesses").map_or_else(|| Ok(WitnessRule::default()), |f| WitnessRule::parse(&f))?,
        allow_promise_only: field.get("allowPromiseOnly").map_or(Ok(false), |f| f.bool())?,
        max_age: field.get("maxAge").map(|f| age(&f)).transpose()?,
    })
}

/// A number of days or hours, in seconds.
fn age(field: &At<'_>) -> Result<i64, PolicyError> {
    let text = field.str()?;
    let unit = [("d", 86_400), ("h", 3_600)].into_iter().find_map(|(u, s)| Some((text.strip_suffix(u)?, s)));
    let digits = |n: &&str| !n.is_empty() && n.len() <= 5 && n.bytes().all(|b| b.is_ascii_digit());
    let seconds = unit.filter(|(n, _)| digits(n)).and_then(|(n, s)| Some(n.parse::<i64>().ok()? * s));
    seconds.filter(|s| *s > 0).ok_or_else(|| field.error("a number of days or hours, such as 90d or 12h"))
}

/// A signer: a key, or whom a certificate must name.
pub(super) fn signer(field: &At<'_>, load_key: KeyLoader<'_>) -> Result<SignerRule, PolicyError> {
    field.fields(
        &[
            "key",
            "notBefore",
            "notAfter",
            "builders",
            "issuer",
            "issuerRegexp",
            "identity",
            "identityGlob",
            "identityRegexp",
            "certificate",
            "measures",
        ],
        &[],
    )?;
    let time = |key: &str| -> Result<Option<Timestamp>, PolicyError> {
        field
            .get(key)
            .map(|f| Timestamp::parse(f.str()?).map_err(|_| f.error("a time such as 2026-01-31T00:00:00Z")))
            .transpose()
    };
    let window = ValidityWindow { not_before: time("notBefore")?, not_after: time("notAfter")? };
    if let (Some(b), Some(a)) = (window.not_before, window.not_after)
        && a < b
    {
        return Err(field.error("a notAfter that is not before notBefore"));
    }
    let builders = match field.get("builders") {
        Some(f) => f
            .list()?
            .iter()
            .map(|b| Glob::parse(b.str()?).ok_or_else(|| b.error("a builder id or glob")))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let measures = field.get("measures").map_or_else(|| Ok(Vec::new()), |f| measures::parse(&f))?;
    let Some(key_field) = field.get("key") else {
        let rule = SignerRule::certificate(certificate(field)?);
        return Ok(rule.window(window).builders(builders).measures(measures));
    };
    for key in ["issuer", "issuerRegexp", "identity", "identityGlob", "identityRegexp", "certificate"] {
        if let Some(f) = field.get(key) {
            return Err(f.error("either `key` or what a certificate says, in entries of their own"));
        }
    }
    let key = key(&key_field, load_key)?;
    let rule = SignerRule::key(key).window(window).builders(builders).measures(measures);
    let text = key_field.str()?;
    Ok(if text.starts_with("-----") { rule } else { rule.label(format!("key {text}")) })
}

/// Whom a certificate must name: an issuer and an identity, and any claims.
fn certificate(field: &At<'_>) -> Result<CertificateMatch, PolicyError> {
    let exact = |f: &At<'_>| Ok(TextMatch::Exact(f.str()?.to_owned()));
    let glob = |f: &At<'_>| Glob::parse(f.str()?).map(TextMatch::Glob).ok_or_else(|| f.error("a glob"));
    let regexp = |f: &At<'_>| match Regexp::parse(f.str()?) {
        Ok(r) => Ok(TextMatch::Regexp(r)),
        Err(why) => Err(f.error(format!("a regular expression ({why})"))),
    };
    let mut wanted = CertificateMatch::default();
    wanted.issuers.extend(any_of(field, "issuer", exact)?);
    wanted.issuers.extend(any_of(field, "issuerRegexp", regexp)?);
    wanted.identities.extend(any_of(field, "identity", exact)?);
    wanted.identities.extend(any_of(field, "identityGlob", glob)?);
    wanted.identities.extend(any_of(field, "identityRegexp", regexp)?);
    if wanted.issuers.is_empty() && wanted.identities.is_empty() {
        return Err(field.error("a `key`, or an `issuer` and an `identity`, `identityGlob` or `identityRegexp`"));
    }
    if wanted.issuers.is_empty() || wanted.identities.is_empty() {
        return Err(field.error("an issuer and an identity: either alone can be had from anybody"));
    }
    if let Some(claims) = field.get("certificate") {
        let names: Vec<_> = CLAIMS.iter().map(|(name, _)| *name).collect();
        claims.fields(&names, &[])?;
        for (name, arc) in CLAIMS {
            let values = any_of(&claims, name, exact)?;
            if !values.is_empty() {
                wanted.claims.push((*arc, values));
            }
        }
        if wanted.claims.is_empty() {
            return Err(claims.error("at least one claim"));
        }
    }
    Ok(wanted)
}

/// One text or a list of texts, any of which will do.
fn any_of(
    field: &At<'_>,
    name: &str,
    read: impl Fn(&At<'_>) -> Result<TextMatch, PolicyError>,
) -> Result<Vec<TextMatch>, PolicyError> {
    match field.get(name) {
        Some(f) if matches!(f.node.kind, Kind::List(_)) => f.list()?.iter().map(read).collect(),
        Some(f) => Ok(vec![read(&f)?]),
        None => Ok(Vec::new()),
    }
}

/// A key: PEM in the policy itself, or the path of a PEM file.
fn key(field: &At<'_>, load_key: KeyLoader<'_>) -> Result<PublicKey, PolicyError> {
    let text = field.str()?;
    let key = if text.starts_with("-----BEGIN") {
        PublicKey::from_pem(text.as_bytes()).map_err(|e| e.to_string())
    } else {
        load_key(text)
    };
    key.map_err(|why| field.error(format!("a public key ({why})")))
}

fn revoked(field: &At<'_>, load_key: KeyLoader<'_>) -> Result<Revoked, PolicyError> {
    field.fields(&["keys", "statements"], &[])?;
    let items = |name: &str| match field.get(name) {
        Some(f) if matches!(&f.node.kind, Kind::List(l) if l.is_empty()) => Ok(Vec::new()),
        Some(f) => f.list(),
        None => Ok(Vec::new()),
    };
    let keys = items("keys")?
        .iter()
        .map(|f| match Digest::parse(f.str()?) {
            Ok(digest) => sha256(f, digest, "key").map(|d| d.to_string()),
            Err(_) => Ok(key(f, load_key)?.id()),
        })
        .collect::<Result<_, PolicyError>>()?;
    let statements = items("statements")?
        .iter()
        .map(|f| {
            let digest = Digest::parse(f.str()?).map_err(|_| f.error("the sha256 digest of a signed statement"))?;
            sha256(f, digest, "signed statement")
        })
        .collect::<Result<_, _>>()?;
    Ok(Revoked { keys, statements })
}

/// What is revoked is compared by sha256: another digest would revoke nothing, and nobody would notice.
fn sha256(field: &At<'_>, digest: Digest, of: &str) -> Result<Digest, PolicyError> {
    match digest.algorithm() {
        DigestAlgorithm::Sha256 => Ok(digest),
        _ => Err(field.error(format!("the sha256 digest of a {of}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(spec: &str) -> Result<Policy, PolicyError> {
        let text = format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{ name: t }}\nspec:\n{spec}");
        parse(&text, "t.yaml", &|_| Err("not there".into()))
    }

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----\\n";

    #[test]
    fn a_policy_is_read_whole() {
        let p = with(&format!("  images: [{{glob: 'ghcr.io/acme/**'}}]\n  require:\n    - signers: [{{key: \"{PEM}\", builders: [b]}}]\n      source: {{repository: 'https://h.example/a.git', refs: [refs/heads/main]}}\n")).unwrap();
        assert_eq!((p.requirements.len(), p.requirements[0].checks.len()), (1, 1));
        assert!(p.matches("ghcr.io/acme/x/y") && !p.matches("ghcr.io/evil/x"));
        // A pattern is read as a reference is.
        let spelled = format!(
            "  images: [{{glob: GHCR.io:443/acme/*}}, {{glob: nginx}}]\n  require: [{{signers: [{{key: \"{PEM}\"}}]}}]\n"
        );
        let p = with(&spelled).unwrap();
        assert!(p.matches("ghcr.io/acme/x") && p.matches("docker.io/library/nginx") && !p.matches("docker.io/nginx/x"));
        // What speaks about everything speaks about a path with an `@`, too.
        for glob in ["**", "file:**", "file:d/*/app"] {
            let p = with(&format!("  images: [{{glob: '{glob}'}}]\n  require: [{{signers: [{{key: \"{PEM}\"}}]}}]\n"));
            assert!(p.unwrap().matches("file:d/a@b/app"), "{glob}");
        }
    }

    #[test]
    fn what_would_be_half_applied_is_refused() {
        let ok = format!("  images: [{{glob: 'a/*'}}]\n  require: [{{signers: [{{key: \"{PEM}\"}}]}}]\n");
        assert!(with(&ok).is_ok());
        let revoking = |what: &str| with(&format!("{ok}  revoked: {{{what}: ['sha256:{}']}}\n", "a".repeat(64)));
        assert!(revoking("keys").is_ok() && revoking("statements").is_ok());
        let named = |more: &str| {
            let identity = if more.starts_with("identity") { "" } else { "identity: s, " };
            format!("  images: [{{glob: 'a/*'}}]\n  require: [{{signers: [{{issuer: i, {identity}{more}}}]}}]\n")
        };
        assert!(with(&named("certificate: {buildTrigger: push}")).is_ok() && with(&named("identity: [s]")).is_ok());
        let cases = [
            (ok.replace("images", "image"), "policy-field-unknown", "spec.image"),
            (format!("{ok}  onUnavailable: warn\n"), "policy-field-not-enforced", "spec.onUnavailable"),
            (format!("{ok}  people: [x]\n"), "policy-malformed", "spec.people"),
            (ok.replace("signers", "maxAge: 30d, signers"), "policy-field-not-enforced", "spec.require[0].maxAge"),
            (ok.replace("key:", "issuer: x, key:"), "policy-malformed", "signers[0].issuer"),
            (ok.replace("signers", "source: {}, signers"), "policy-malformed", "require[0].source"),
            (ok.replace("signers", "agent: {}, signers"), "policy-malformed", "require[0].agent"),
            (ok.replace("signers", "charter: {}, signers"), "policy-malformed", "require[0].charter"),
            (ok.replace("signers", "source: {refs: [main]}, signers"), "policy-malformed", "source.refs[0]"),
            (ok.replace("signers", "source: {commit: aaaa}, signers"), "policy-malformed", "source.commit"),
            (named("certificate: {}"), "policy-malformed", "signers[0].certificate"),
            (named("identity: ''"), "policy-malformed", "signers[0].identity"),
            (named("identity: [s, '']"), "policy-malformed", "signers[0].identity[1]"),
            (ok.replace("key:", "measures: [sources], key:"), "policy-malformed", "signers[0].measures[0]"),
            (ok.replace("key:", "measures: [], key:"), "policy-malformed", "signers[0].measures"),
            (ok.replace("signers", "approvals: {}, signers"), "policy-malformed", "approvals.by"),
            (ok.replace("signers", "approvals: {by: []}, signers"), "policy-malformed", "approvals.by"),
            (
                ok.replace("signers", "approvals: {count: 0, by: [{issuer: i, identity: s}]}, signers"),
                "policy-malformed",
                "approvals.count",
            ),
            (
                ok.replace("signers", "approvals: {by: [{issuer: i, identity: s}], notBy: [owner]}, signers"),
                "policy-malformed",
                "approvals.notBy[0]",
            ),
            (
                ok.replace("signers", "approvals: {by: [{issuer: i, identity: s, builders: [b]}]}, signers"),
                "policy-malformed",
                "approvals.by[0].builders",
            ),
            (
                ok.replace("signers", "approvals: {by: [{issuer: i, identity: s, measures: [source]}]}, signers"),
                "policy-malformed",
                "approvals.by[0].measures",
            ),
            (
                ok.replace(
                    "signers",
                    "predicateType: 'https://x.example/p', approvals: {by: [{issuer: i, identity: s}]}, signers",
                ),
                "policy-malformed",
                "require[0].approvals",
            ),
            (
                ok.replace("signers: [{", "predicateType: 'https://x.example/p', signers: [{measures: [source], "),
                "policy-malformed",
                "signers[0].measures",
            ),
            (ok.replace("signers", "trust: {witnesses: 1}, signers"), "policy-malformed", "require[0].trust.witnesses"),
            (ok.replace("signers", "trust: {maxAge: 1w}, signers"), "policy-malformed", "require[0].trust.maxAge"),
            (ok.replace("signers", "trust: {maxAge: 0d}, signers"), "policy-malformed", "require[0].trust.maxAge"),
            (ok.replace("signers", "trust: {maxAge: -1d}, signers"), "policy-malformed", "require[0].trust.maxAge"),
            (ok.replace("signers", "threshold: 0, signers"), "policy-malformed", "require[0].threshold"),
            (ok.replace("'a/*'", "'a/*:v1'"), "policy-malformed", "images[0].glob"),
            (ok.replace("'a/*'", "'a/*@sha256:1'"), "policy-malformed", "images[0].glob"),
            (format!("  images: []\n{}", ok.lines().nth(1).unwrap()), "policy-malformed", "spec.images"),
            ("  images: [{glob: a}]\n  require: [{}]\n".to_owned(), "policy-malformed", "signers"),
            ("  images: [{glob: a}]\n  require: []\n".to_owned(), "policy-malformed", "spec.require"),
            (ok.replace(PEM, "missing.pub"), "policy-malformed", "not there"),
            (
                ok.replace("'a/*'", "'ghcr.io/{a,b}'"),
                "policy-malformed",
                "line 5, column 19: field `spec.images[0].glob`",
            ),
            (ok.replace("'a/*'", "'ghcr.io:0443/a/*'"), "policy-malformed", "images[0].glob"),
            (
                format!("{ok}  revoked: {{keys: ['sha512:{}']}}\n", "a".repeat(128)),
                "policy-malformed",
                "revoked.keys[0]",
            ),
            (
                format!("{ok}  revoked: {{statements: ['sha512:{}']}}\n", "a".repeat(128)),
                "policy-malformed",
                "revoked.statements[0]",
            ),
            (
                ok.replace("signers: [{", "predicateType: 'https://x.example/p', signers: [{builders: [b], "),
                "policy-malformed",
                "signers[0].builders",
            ),
            (ok.replace("key:", "notBefore: soon, key:"), "policy-malformed", "notBefore"),
        ];
        for (spec, code, word) in cases {
            let e = with(&spec).unwrap_err();
            assert!(e.code().as_str() == code && e.to_string().contains(word), "{spec}: {e}");
        }
    }
}
