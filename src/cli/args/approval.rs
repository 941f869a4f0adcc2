//! What `attest approve` approves: from what was typed to the subject of a statement.

use crate::capture::{self, Captured};
use crate::cli::args::build;
use crate::cli::args::target;
use crate::cli::args::target::Resolved;
use crate::cli::args::{CharterApi, Common, EvidenceArgs};
use crate::cli::exit::{Failure, codes};
use crate::cli::show::sanitize::line;
use crate::model::{Digest, DigestSet, Subject, limits, uri};
use crate::places::{self, files};
use crate::predicate::approval::TargetKind;
use std::path::Path;

/// What is approved.
pub(in crate::cli) struct Target {
    /// What kind of thing.
    pub kind: TargetKind,
    /// The statement's subject.
    pub subject: Subject,
    /// Where it is, if that is known.
    pub uri: Option<String>,
    /// What a person should see of it before they approve.
    pub shown: Vec<String>,
    /// The artifact, if it is one.
    pub artifact: Option<Resolved>,
}

/// Flags that say more of a target.
pub(in crate::cli) struct Given<'a> {
    /// `--digest`: of a charter that is not a file here.
    pub digest: Option<&'a str>,
    /// `--charter-api`: what its host speaks.
    pub api: Option<CharterApi>,
    /// `--uri`: where a charter or the repository of a commit is.
    pub uri: Option<&'a str>,
    /// `--attestation-repository`.
    pub store: Option<&'a str>,
}

/// Where what is typed is no artifact.
const OTHER_KINDS: &str = "a commit is written commit:HEAD, a charter charter:FILE or charter:URL";

/// Reads `charter:FILE|URL`, `commit:REV` or an artifact's name.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn resolve(typed: &str, given: &Given<'_>, common: &Common) -> Result<Target, Failure> {
    // What is approved is published with its address.
    for (what, address) in [("the charter", typed.strip_prefix("charter:")), ("--uri", given.uri)] {
        // The user of an SSH address is no secret.
        if address.is_some_and(|a| uri::holds_credential(&a.replacen("://git@", "://", 1))) {
            return Err(usage(&format!("{what}: expected a URL without user, token or password, found one with it")));
        }
    }
    if let Some(charter) = typed.strip_prefix("charter:") {
        return self::charter(charter, given, common).await;
    }
    if given.digest.is_some() {
        return Err(usage("--digest is of a charter that is not a file here: `charter:URL --digest sha256:...`"));
    }
    if let Some(revision) = typed.strip_prefix("commit:") {
        return commit(revision, given);
    }
    if given.uri.is_some() {
        return Err(usage("--uri is of a charter or a commit: an artifact's digest is all that counts"));
    }
    artifact(typed, given, common).await
}

fn usage(message: &str) -> Failure {
    Failure::usage(codes::USAGE, message)
}

/// A file here by its bytes, an issue as its host tells it now, or whatever has the digest that is given.
async fn charter(text: &str, given: &Given<'_>, common: &Common) -> Result<Target, Failure> {
    let is_url = text.contains("://");
    let (digests, more) = match given.digest {
        Some(digest) => {
            let digest = Digest::parse(digest).map_err(|e| usage(&format!("--digest: {e}")))?;
            if digest.algorithm().name() == "sha384" {
                return Err(usage("--digest: expected sha256 or sha512, found sha384"));
            }
            (DigestSet::of(&digest), "  it was not looked at: the digest says what is approved".to_owned())
        }
        None if is_url => {
            let env = places::environment()?;
            let (_, live) = crate::cli::args::charter::fetch(text, given.api, &env, common.timeout).await?;
            let snapshot = &live.snapshot;
            let more = format!("  {} ({} bytes of text)", snapshot.title, snapshot.body.len());
            (DigestSet::of(&snapshot.digest()), more)
        }
        None => {
            let bytes = files::read_published(Path::new(text), &places::environment()?, limits::PREDICATE_BYTES)?;
            let words = String::from_utf8_lossy(&bytes);
            let first = words.lines().find(|l| !l.trim().is_empty()).unwrap_or("an empty file");
            (DigestSet::sha256(&bytes), format!("  {first}"))
        }
    };
    let uri = given.uri.map(str::to_owned).or_else(|| is_url.then(|| text.to_owned()));
    let mut shown = vec![format!("charter: {}", uri.as_deref().unwrap_or(text)), more];
    shown.extend(digests.iter().map(|(a, v)| format!("  {a}:{v}")));
    let name = if is_url { text } else { &file_name(text) };
    Ok(Target { kind: TargetKind::Charter, subject: Subject::new(name, digests), uri, shown, artifact: None })
}

fn file_name(text: &str) -> String {
    Path::new(text).file_name().map_or_else(|| text.to_owned(), |n| n.to_string_lossy().into_owned())
}

fn commit(revision: &str, given: &Given<'_>) -> Result<Target, Failure> {
    let object = capture::commit_object(&places::environment()?, revision)?;
    let uri = match given.uri {
        Some(uri) if uri.starts_with("git+") => Some(uri.to_owned()),
        Some(uri) => Some(format!("git+{uri}")),
        None => object.repository.value().map(|r| format!("git+{r}")),
    };
    let id = object.digests.get("gitCommit").unwrap_or_default().to_owned();
    let title = match &object.commit.message {
        Captured::Found { value, .. } => value.lines().next().unwrap_or_default().to_owned(),
        Captured::Absent { reason } => format!("({reason})"),
    };
    let mut shown = vec![
        format!("commit: {id}"),
        format!("  {title}"),
        format!("  author {}, committer {}", object.commit.author, object.commit.committer),
        format!("  repository: {}", uri.as_deref().unwrap_or("not known; any that has this commit")),
    ];
    shown.extend(object.digests.get("sha256").map(|v| format!("  sha256 of the commit object: {v}")));
    Ok(Target { kind: TargetKind::Commit, subject: Subject::new(id, object.digests), uri, shown, artifact: None })
}

async fn artifact(typed: &str, given: &Given<'_>, common: &Common) -> Result<Target, Failure> {
    let places = EvidenceArgs { attestation_repository: given.store.map(str::to_owned), ..EvidenceArgs::default() };
    let resolved = target::resolve(typed, common, &places, false).await.map_err(|failure| {
        let hint = if failure.code == codes::FILE_UNREADABLE { Some(OTHER_KINDS) } else { failure.hint };
        Failure { hint, ..failure }
    })?;
    let artifact = &resolved.artifact;
    let name = match resolved.subject.is_none() {
        true => file_name(artifact.scope.strip_prefix("file:").unwrap_or(typed)),
        false => build::image_name(artifact),
    };
    let shown = vec![format!("artifact: {}", line(typed)), format!("  {}", artifact.digest)];
    let subject = Subject::new(name.clone(), DigestSet::of(&artifact.digest));
    Ok(Target { kind: TargetKind::Artifact, subject, uri: Some(name), shown, artifact: Some(resolved) })
}
