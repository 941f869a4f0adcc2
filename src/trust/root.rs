//! [`TrustedRoot`]: the authorities of a Sigstore instance. Prepared when first asked, as most evidence needs none.

use super::certificate_authority::{CaCertificate, CertificateAuthority};
use super::error::RootError;
use super::verifiers::Verifiers;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Timestamp, ValidityWindow, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::crypto::VerificationKey;
use sigstore_verify::trust_root::{SigstoreInstance, TrustedRoot as Parsed, TsaAuthority};
use sigstore_verify::types::TimeRange;
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// What an authority vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuthorityKind {
    /// Issues signing certificates.
    Certificates,
    /// Logs signatures.
    TransparencyLog,
    /// Logs certificates.
    CertificateLog,
    /// Signs timestamps.
    Timestamps,
}

/// One authority of a trusted root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// What it vouches for.
    pub kind: AuthorityKind,
    /// Its URL, or else its subject.
    pub name: String,
    /// Of a log: its id, base64.
    pub log_id: Option<String>,
    /// When what it signed counts.
    pub window: ValidityWindow,
    /// When the first certificate of its chain ends; none for a log, which has only a key.
    pub certificate_ends: Option<Timestamp>,
}

/// The authorities of one Sigstore instance. Cheap to clone; what it holds is prepared once.
#[derive(Clone)]
pub struct TrustedRoot(Arc<Inner>);

struct Inner {
    origin: String,
    as_of: Option<Timestamp>,
    json: Cow<'static, str>,
    used: AtomicBool,
    prepared: OnceLock<Result<Prepared, RootError>>,
}

/// A timestamp authority.
pub(crate) struct StampAuthority {
    /// Its name.
    pub(crate) name: String,
    /// The library's form of it.
    pub(crate) authority: TsaAuthority,
    /// When each of its certificates is valid.
    pub(crate) windows: Vec<ValidityWindow>,
}

/// What verification asks of a root.
pub(crate) struct Prepared {
    /// The library's verifiers of this root, for what keys sign.
    pub(crate) verifiers: Verifiers,
    /// Its certificate authorities, in the root's order.
    pub(crate) issuers: Vec<CertificateAuthority>,
    /// Transparency logs: id, window.
    pub(crate) logs: Vec<(Vec<u8>, ValidityWindow)>,
    /// Their keys, in the same order.
    pub(crate) log_keys: Vec<Option<VerificationKey>>,
    /// Whether it has logs of certificates.
    pub(crate) certificate_logs: bool,
    /// Timestamp authorities.
    pub(crate) timestamp_authorities: Vec<StampAuthority>,
    authorities: Vec<Authority>,
}

/// When the roots that are built in were fetched: the day of the library's release that brought them.
const EMBEDDED_ON: &str = "2026-10-23T00:00:00Z";

/// The roots that are built in; shared, so that each is prepared once in a process.
static EMBEDDED: LazyLock<[TrustedRoot; 2]> = LazyLock::new(|| {
    [
        TrustedRoot::of_instance("embedded: Sigstore public-good instance", SigstoreInstance::PublicGood),
        TrustedRoot::of_instance("embedded: GitHub's instance", SigstoreInstance::GitHub),
    ]
});

impl TrustedRoot {
    fn of_instance(origin: &str, instance: SigstoreInstance) -> Self {
        let json = instance.embedded_trusted_root_json();
        Self::dated(origin, Cow::Borrowed(json), Timestamp::parse(EMBEDDED_ON).ok())
    }

    fn of(origin: &str, json: Cow<'static, str>) -> Self {
        Self::dated(origin, json, None)
    }

    fn dated(origin: &str, json: Cow<'static, str>, as_of: Option<Timestamp>) -> Self {
        let (used, prepared) = (AtomicBool::new(false), OnceLock::new());
        Self(Arc::new(Inner { origin: origin.to_owned(), as_of, json, used, prepared }))
    }

    /// The roots that are built in: Sigstore's public-good instance and GitHub's.
    #[must_use]
    pub fn embedded() -> Vec<Self> {
        EMBEDDED.to_vec()
    }

    /// The root of Sigstore's staging instance, for conformance tests only: nothing else trusts it.
    #[must_use]
    pub fn staging() -> Self {
        Self::of_instance("embedded: Sigstore staging instance", SigstoreInstance::Staging)
    }

    /// Reads a file: one trusted root, or one per line (as `gh attestation trusted-root` prints them). All of it is
    /// prepared, so that what is wrong with a file is said before anything is verified with it.
    ///
    /// # Errors
    /// [`RootError`].
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Vec<Self>, RootError> {
        let limit = |what: &str, limit| RootError::Malformed(JsonError::TooLarge { what: what.into(), limit });
        if bytes.len() > limits::ROOT_BYTES {
            return Err(limit("the file (bytes)", limits::ROOT_BYTES));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| {
            RootError::Malformed(JsonError::Syntax { message: "expected UTF-8, found other bytes".into() })
        })?;
        let lines: Vec<_> = text.lines().filter(|l| !l.trim().is_empty()).collect();
        let several = lines.len() > 1 && lines.iter().all(|l| l.starts_with('{') && l.trim_end().ends_with('}'));
        let documents = if several { lines } else { vec![text] };
        if documents.len() > limits::ROOTS {
            return Err(limit("the number of trusted roots", limits::ROOTS));
        }
        let count = documents.len();
        let root = |(i, document): (usize, &str)| {
            let name = if count == 1 { origin.to_owned() } else { format!("{origin}, line {}", i + 1) };
            let root = Self::of(&name, Cow::Owned(document.to_owned()));
            root.prepare()?;
            Ok(root)
        };
        documents.into_iter().enumerate().map(root).collect()
    }

    /// Reads the one trusted root that a source knows the date of.
    ///
    /// # Errors
    /// [`RootError`].
    pub fn parse_one(bytes: &[u8], origin: &str, as_of: Timestamp) -> Result<Self, RootError> {
        let roots = Self::parse(bytes, origin)?;
        let [root] = roots.as_slice() else {
            let found = format!("{} of them", roots.len());
            return Err(RootError::Malformed(JsonError::unexpected("trustedRoot", "one trusted root", found)));
        };
        let dated = Self::dated(origin, root.0.json.clone(), Some(as_of));
        dated.prepare()?;
        Ok(dated)
    }

    /// Whether anything was verified with it, or refused by it.
    #[must_use]
    pub fn was_used(&self) -> bool {
        self.0.used.load(Ordering::Relaxed)
    }

    /// When it was known to be the instance's own, if that is known: a file has no date that could be believed.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.0.as_of
    }

    /// Its text, as it was read.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// Where it came from: a file, or the instance it was built in for.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Its authorities, for display.
    ///
    /// # Errors
    /// [`RootError`]; never for one that [`parse`](Self::parse) returned.
    pub fn authorities(&self) -> Result<&[Authority], RootError> {
        self.prepare().map(|p| p.authorities.as_slice())
    }

    /// What verification asks of it.
    pub(crate) fn prepared(&self) -> Result<&Prepared, RootError> {
        self.0.used.store(true, Ordering::Relaxed);
        self.prepare()
    }

    fn prepare(&self) -> Result<&Prepared, RootError> {
        self.0.prepared.get_or_init(|| Prepared::of(&self.0.json)).as_ref().map_err(Clone::clone)
    }
}

impl PartialEq for TrustedRoot {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.origin == other.0.origin && self.0.json == other.0.json)
    }
}

impl Eq for TrustedRoot {}

impl fmt::Debug for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedRoot({})", self.0.origin)
    }
}

impl Prepared {
    fn of(text: &str) -> Result<Self, RootError> {
        check(text).map_err(RootError::Malformed)?;
        let unusable = |e: &dyn fmt::Display| RootError::Unusable { cause: e.to_string() };
        let mut parsed = Parsed::from_json(text).map_err(|e| unusable(&e))?;
        let verifiers = Verifiers::of(parsed.clone());
        // The library reads all keys and certificates for it: what is wrong with one is said now.
        verifiers.of_log(None)?;
        let mut authorities = Vec::new();
        let mut issuers = Vec::new();
        for ca in std::mem::take(&mut parsed.certificate_authorities) {
            let (uri, subject, valid_for) = (ca.uri.clone(), ca.subject.clone(), ca.valid_for);
            let issuer = CertificateAuthority::new(&parsed, ca).map_err(|e| unusable(&e))?;
            authorities.push(Authority {
                kind: AuthorityKind::Certificates,
                name: name(Some(&uri), subject.organization.as_deref(), subject.common_name.as_deref()),
                log_id: None,
                window: window(valid_for),
                certificate_ends: first_end(&issuer.certificates),
            });
            issuers.push(issuer);
        }
        let log = |kind, url: &str, id: &[u8], valid_for| Authority {
            kind,
            name: url.to_owned(),
            log_id: Some(STANDARD.encode(id)),
            window: window(valid_for),
            certificate_ends: None,
        };
        let mut logs = Vec::new();
        for l in &parsed.tlogs {
            let id = l.log_id.key_id.as_bytes();
            logs.push((id.to_vec(), window(l.public_key.valid_for)));
            authorities.push(log(AuthorityKind::TransparencyLog, &l.base_url, id, l.public_key.valid_for));
        }
        for l in &parsed.ctlogs {
            let id = l.log_id.key_id.as_bytes();
            authorities.push(log(AuthorityKind::CertificateLog, &l.base_url, id, l.public_key.valid_for));
        }
        let mut timestamp_authorities = Vec::new();
        for tsa in &parsed.timestamp_authorities {
            let subject = (tsa.subject.organization.as_deref(), tsa.subject.common_name.as_deref());
            let name = name(tsa.uri.as_deref(), subject.0, subject.1);
            let certificates = tsa.cert_chain.certificates.iter().map(|c| CaCertificate::of(c.raw_bytes.as_bytes()));
            let read = certificates.collect::<Result<Vec<_>, _>>().map_err(|e| unusable(&e))?;
            authorities.push(Authority {
                kind: AuthorityKind::Timestamps,
                name: name.clone(),
                log_id: None,
                window: window(tsa.valid_for),
                certificate_ends: first_end(&read),
            });
            let chain: Vec<_> = tsa.cert_chain.certificates.iter().map(|c| c.raw_bytes.clone()).collect();
            if let (Some(leaf), Some(root)) = (chain.first(), chain.last()) {
                let between = chain.get(1..chain.len().saturating_sub(1)).unwrap_or_default().to_vec();
                let authority = TsaAuthority::new(leaf.clone(), between, root.clone(), tsa.valid_for);
                let windows = read.iter().map(|c| c.window).collect();
                timestamp_authorities.push(StampAuthority { name, authority, windows });
            }
        }
        Ok(Self {
            verifiers,
            issuers,
            logs,
            log_keys: parsed.tlogs.iter().map(|l| VerificationKey::from_spki(&l.public_key.raw_bytes).ok()).collect(),
            certificate_logs: !parsed.ctlogs.is_empty(),
            timestamp_authorities,
            authorities,
        })
    }
}

/// When the first of these certificates ends.
fn first_end<'a>(chain: impl IntoIterator<Item = &'a CaCertificate>) -> Option<Timestamp> {
    chain.into_iter().filter_map(|c| c.window.not_after).min()
}

/// What the library's parser does not look at: duplicate keys, depth, and how many authorities there are.
fn check(text: &str) -> Result<(), JsonError> {
    let value = json::parse(text.as_bytes(), limits::ROOT_BYTES)?;
    let root = Field::root("trustedRoot", &value);
    let media_type = root.need("mediaType")?;
    let known = ["application/vnd.dev.sigstore.trustedroot+json;version=0.1", MEDIA_TYPE_V02, MEDIA_TYPE_V01];
    if !known.contains(&media_type.str()?) {
        return Err(media_type.error(format!("`{MEDIA_TYPE_V01}`"), format!("`{}`", media_type.str()?)));
    }
    for (key, most) in [
        ("tlogs", limits::AUTHORITIES),
        ("certificateAuthorities", limits::AUTHORITIES),
        ("ctlogs", limits::AUTHORITIES),
        ("timestampAuthorities", limits::AUTHORITIES),
    ] {
        for authority in root.get(key)?.map_or(Ok(Vec::new()), |f| f.list(most))? {
            if let Some(chain) = authority.get("certChain")? {
                chain.need("certificates")?.list(limits::CHAIN)?;
            }
        }
    }
    Ok(())
}

const MEDIA_TYPE_V01: &str = "application/vnd.dev.sigstore.trustedroot.v0.1+json";
const MEDIA_TYPE_V02: &str = "application/vnd.dev.sigstore.trustedroot.v0.2+json";

fn name(uri: Option<&str>, organization: Option<&str>, common_name: Option<&str>) -> String {
    let subject = || [organization, common_name].into_iter().flatten().collect::<Vec<_>>().join(", ");
    match uri {
        Some(uri) if !uri.is_empty() => uri.to_owned(),
        _ => subject(),
    }
}

fn window(range: Option<TimeRange>) -> ValidityWindow {
    let time = |seconds: i64| Timestamp::from_unix(seconds);
    range.map_or_else(ValidityWindow::default, |r| ValidityWindow {
        not_before: time(r.start.as_second()),
        not_after: r.end.and_then(|e| time(e.as_second())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    #[test]
    fn the_embedded_roots_have_what_their_instances_have() {
        let roots = TrustedRoot::embedded();
        let has = |root: &TrustedRoot, kind| root.authorities().unwrap().iter().any(|a| a.kind == kind);
        use AuthorityKind::{CertificateLog, Certificates, Timestamps, TransparencyLog};
        for kind in [Certificates, TransparencyLog, CertificateLog] {
            assert!(has(&roots[0], kind), "{kind:?}");
        }
        // GitHub's instance logs nothing: its timestamps stand for the time, its authorities for the rest.
        assert!(has(&roots[1], Certificates) && has(&roots[1], Timestamps));
        assert!(!has(&roots[1], TransparencyLog) && !has(&roots[1], CertificateLog));
    }

    /// Fails when a newer version of the library brings other roots: [`EMBEDDED_ON`] is then to be set again.
    #[test]
    fn the_date_of_the_embedded_roots_is_that_of_these_roots() {
        let digests = TrustedRoot::embedded()
            .iter()
            .map(|r| crate::model::Digest::sha256(r.json().as_bytes()).to_string())
            .collect::<Vec<_>>();
        assert_eq!(
            digests,
            [
                "sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66",
                "sha256:484cdfe1a7c65479c5ba2a22193d1be90f0020db1997de696ab207434c62fbb7"
            ]
        );
        assert!(TrustedRoot::embedded().iter().all(|r| r.as_of() == Timestamp::parse("2026-10-23T00:00:00Z").ok()));
        assert!(TrustedRoot::embedded()[0].as_of().is_some());
    }

    #[test]
    fn a_root_of_a_source_is_one_and_has_its_date() {
        let at = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let json = SigstoreInstance::PublicGood.embedded_trusted_root_json();
        let root = TrustedRoot::parse_one(json.as_bytes(), "tuf", at).unwrap();
        assert_eq!((root.as_of(), root.was_used()), (Some(at), false));
        root.prepared().unwrap();
        assert!(root.was_used());
        assert_eq!(TrustedRoot::parse(json.as_bytes(), "file").unwrap()[0].as_of(), None);
        let one = serde_json::from_str::<serde_json::Value>(json).unwrap().to_string();
        let two = TrustedRoot::parse_one(format!("{one}\n{one}\n").as_bytes(), "tuf", at);
        assert_eq!(two.map(|_| ()).map_err(|e| e.code().to_string()), Err("trusted-root-malformed".into()));
    }

    #[test]
    fn a_file_of_several_roots_is_read_line_by_line() {
        let line = |i: SigstoreInstance| {
            serde_json::from_str::<serde_json::Value>(i.embedded_trusted_root_json()).unwrap().to_string()
        };
        let both = format!("{}\n{}\n", line(SigstoreInstance::PublicGood), line(SigstoreInstance::GitHub));
        let roots = TrustedRoot::parse(both.as_bytes(), "f").unwrap();
        assert_eq!(roots.iter().map(TrustedRoot::origin).collect::<Vec<_>>(), ["f, line 1", "f, line 2"]);
        let read = |text: String| TrustedRoot::parse(text.as_bytes(), "f").map(|r| r.len()).map_err(|e| e.code());
        // Their number, and the size of all together: each alone is small enough.
        let one = line(SigstoreInstance::GitHub);
        let lines = |n| vec![one.as_str(); n].join("\n");
        assert_eq!(read(lines(limits::ROOTS)), Ok(limits::ROOTS));
        assert_eq!(read(lines(limits::ROOTS + 1)), Err(code::LIMIT_EXCEEDED));
        let padded = |room: usize| one.replacen('{', &format!("{{{}", " ".repeat(room)), 1);
        let half = padded(limits::ROOT_BYTES / 2 - one.len() - 1);
        assert_eq!(read(format!("{half}\n{half}\n")), Ok(2));
        assert_eq!(read(format!("{half}\n{half}  \n")), Err(code::LIMIT_EXCEEDED));
    }

    #[test]
    fn what_is_no_root_is_refused() {
        let good = SigstoreInstance::PublicGood.embedded_trusted_root_json();
        let code = |text: &str| TrustedRoot::parse(text.as_bytes(), "f").map(|_| ()).map_err(|e| e.code().to_string());
        assert_eq!(code(good), Ok(()));
        let twice = good.replacen("\"tlogs\"", "\"tlogs\": [], \"tlogs\"", 1);
        let many = format!("{{\"mediaType\": \"{MEDIA_TYPE_V01}\", \"tlogs\": [{}{{}}]}}", "{},".repeat(300));
        for (text, wanted) in [
            ("{}", "trusted-root-malformed"),
            ("nothing", "trusted-root-malformed"),
            (twice.as_str(), "trusted-root-malformed"),
            (&good.replace("application/vnd", "application/x"), "trusted-root-malformed"),
            (&good.replace("rawBytes\": \"MF", "rawBytes\": \"AA"), "trusted-root-unusable"),
            (&many, "limit-exceeded"),
            (&" ".repeat(limits::ROOT_BYTES + 1), "limit-exceeded"),
        ] {
            assert_eq!(code(text), Err(wanted.to_owned()), "{}", &text[..text.len().min(80)]);
        }
    }
}
