//! From a subject as typed to what is verified and where its evidence is: everything is resolved once, here.

use crate::capture::input::files as hashing;
use crate::cli::args::named::{Around, Named};
use crate::cli::args::subject::{SubjectSpec, remark};
use crate::cli::args::{Common, EvidenceArgs};
use crate::cli::exit::{Failure, codes};
use crate::evidence::{FileEvidence, plain};
use crate::flow;
use crate::model::digest::DigestAlgorithm;
use crate::model::plural::counted;
use crate::model::{Artifact, Digest, Reference};
use crate::places::{Until, files};
use crate::policy::{Reason, SubjectDecision, Verdict};
use crate::registry::oci_http::OciHttp;
use crate::registry::{Checked, DIGEST_MISMATCH, OciLayout, Registry, RegistryError, RegistryEvidence};
use crate::seam::Deadline;
use crate::verify::EvidenceSource;
use futures_util::future::{Either, select};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A subject that was resolved.
pub struct Resolved {
    /// What it is.
    pub artifact: Artifact,
    /// Where it is; none for files.
    pub subject: Option<Arc<dyn Registry>>,
    /// The repository that keeps its evidence; none for files.
    pub store: Option<Arc<dyn Registry>>,
    /// Files that hold evidence.
    pub bundles: Vec<FileEvidence>,
    /// The file itself, for a file.
    pub path: Option<PathBuf>,
    /// The layout, for one.
    pub layout: Option<Arc<OciLayout>>,
    /// Whether a tag was resolved.
    pub by_tag: Option<String>,
}

impl From<RegistryError> for Failure {
    fn from(e: RegistryError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

impl From<crate::capture::CaptureError> for Failure {
    fn from(e: crate::capture::CaptureError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

/// Opens the repository of a reference.
///
/// # Errors
/// [`RegistryError`] as a failure.
pub(in crate::cli) fn open_image(reference: &Reference, common: &Common) -> Result<Arc<dyn Registry>, Failure> {
    Ok(Arc::new(OciHttp::new(reference, common.registries.options(&common.registry_settings())?)?))
}

/// The repository that keeps the evidence of an image.
///
/// # Errors
/// Exit 2 for a name that is none.
pub(in crate::cli) fn store_of(image: &Reference, named: Option<&str>) -> Result<Reference, Failure> {
    match named.filter(|n| !n.is_empty()) {
        None => Ok(image.clone()),
        Some(name) => {
            Reference::parse(name).map_err(|e| Failure::usage(codes::USAGE, format!("--attestation-repository: {e}")))
        }
    }
}

/// Resolves one subject: a tag once, a file by hashing it.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn resolve(
    typed: &str,
    common: &Common,
    evidence: &EvidenceArgs,
    require_digest: bool,
) -> Result<Resolved, Failure> {
    let spec = SubjectSpec::parse(typed)?;
    let around = Around::alone(&spec);
    resolve_named(&Named::typed(typed, spec), &around, common, evidence, require_digest).await
}

/// Resolves one subject of several.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn resolve_named(
    named: &Named,
    around: &Around,
    common: &Common,
    evidence: &EvidenceArgs,
    require_digest: bool,
) -> Result<Resolved, Failure> {
    for path in &evidence.bundle {
        if !files::exists(path)? {
            return Err(Failure::usage(codes::FILE_UNREADABLE, format!("--bundle `{}` is not there", path.display())));
        }
    }
    let mut bundles = evidence.bundle.iter().map(FileEvidence::new).collect::<Vec<_>>();
    if let (SubjectSpec::File(_) | SubjectSpec::Digest { .. }, []) = (&named.spec, evidence.bundle.as_slice()) {
        let near = around.bundles(named.spec.path().map(PathBuf::as_path));
        // One that cannot be looked at is evidence that could not be looked at, not none.
        bundles.extend(near.into_iter().filter(|p| files::exists(p).unwrap_or(true)).map(FileEvidence::beside));
    }
    let typed = named.name.as_str();
    match named.spec.clone() {
        SubjectSpec::File(path) => file(typed, path, bundles, common).await,
        // One that is here is looked at: whoever goes on to use it uses that one, whatever a list says.
        SubjectSpec::Digest { path: Some(path), digest }
            if digest.algorithm() != DigestAlgorithm::Sha256 && files::exists(&path)? =>
        {
            file(typed, path, bundles, common).await
        }
        SubjectSpec::Digest { path, digest } => {
            if let Some(path) = &path {
                as_listed(typed, path, &digest, common).await?;
            }
            let artifact = listed(typed, path.as_deref(), digest);
            Ok(Resolved { artifact, subject: None, store: None, bundles, path: None, layout: None, by_tag: None })
        }
        SubjectSpec::Layout { path, tag, digest } => {
            let layout = open_layout(typed, &path)?;
            let (digest, by_tag) = match (digest, tag) {
                (Some(d), _) => (d, None),
                (None, _) if require_digest => return Err(digest_required(typed)),
                (None, Some(tag)) => match layout.resolve(&tag).await? {
                    Some(found) => (found.digest, Some(format!("tag `{tag}`"))),
                    None => {
                        let message = format!("`{typed}`: the layout `{}` has no tag `{tag}`", path.display());
                        return Err(Failure::unknown(flow::SUBJECT_NOT_FOUND, message));
                    }
                },
                (None, None) => {
                    let only = only_image(typed, &path, &layout, common).await?;
                    (only, Some("the layout's only image".to_owned()))
                }
            };
            let artifact = Artifact::new(typed, format!("oci:{}", plain(&path).display()), digest)
                .also_called(other_scopes("oci", &path));
            let registry: Arc<dyn Registry> = layout.clone();
            let store = bundles.is_empty().then(|| registry.clone());
            Ok(Resolved { artifact, subject: Some(registry), store, bundles, path: None, layout: Some(layout), by_tag })
        }
        SubjectSpec::Image(reference) => image(typed, &reference, bundles, common, evidence, require_digest).await,
    }
}

/// That the file which a list names by a SHA-256 is that one, where it is here.
///
/// # Errors
/// `digest-mismatch`, exit 1; that it was not hashed in time.
pub(in crate::cli) async fn as_listed(
    typed: &str,
    path: &Path,
    digest: &Digest,
    common: &Common,
) -> Result<(), Failure> {
    if digest.algorithm() != DigestAlgorithm::Sha256 || !files::exists(path)? {
        return Ok(());
    }
    let found = hashed(typed, path.to_owned(), common).await?;
    if found == *digest {
        return Ok(());
    }
    let message = format!("`{typed}`: the file that is here is another one: expected {digest}, found {found}");
    Err(Failure::no(DIGEST_MISMATCH, message))
}

/// Hashed on a thread of its own, so that a deadline holds meanwhile, and cut when the time is up.
async fn hashed(typed: &str, path: PathBuf, common: &Common) -> Result<Digest, Failure> {
    let progress = common.progress.hashing(common.quiet, files::size(&path).unwrap_or_default());
    let until = Until::within(common.timeout);
    let hash = move || hashing::sha256_while(&path, &|| !until.passed(), progress.as_ref());
    let late = || Failure::unknown(flow::TIMEOUT, format!("`{typed}` was not hashed within {}", until.given()));
    apart(hash).await?.ok_or_else(late)
}

async fn file(typed: &str, path: PathBuf, bundles: Vec<FileEvidence>, common: &Common) -> Result<Resolved, Failure> {
    let digest = hashed(typed, path.clone(), common).await?;
    let artifact = Artifact::new(typed, format!("file:{}", plain(&path).display()), digest)
        .also_called(other_scopes("file", &path));
    Ok(Resolved { artifact, subject: None, store: None, bundles, path: Some(path), layout: None, by_tag: None })
}

/// What is named by its digest, with a path where it has one.
pub(in crate::cli) fn listed(typed: &str, path: Option<&Path>, digest: Digest) -> Artifact {
    let scope = path.map_or_else(|| digest.to_string(), |p| plain(p).display().to_string());
    let also = path.map_or_else(Vec::new, |path| other_scopes("file", path));
    Artifact::new(typed, format!("file:{scope}"), digest).also_called(also)
}

/// What else a path is called: whole, and below the working folder. Policies are written in both ways.
fn other_scopes(kind: &str, path: &Path) -> Vec<String> {
    let here = files::working_folder();
    let whole = plain(&here.join(path));
    let below = whole.strip_prefix(&here).ok().map(Path::to_owned).filter(|below| !below.as_os_str().is_empty());
    let typed = plain(path);
    let others = below.into_iter().chain([whole]).filter(|other| *other != typed);
    others.map(|other| format!("{kind}:{}", other.display())).collect()
}

fn open_layout(typed: &str, path: &Path) -> Result<Arc<OciLayout>, Failure> {
    if !files::is_folder(path) {
        let message = format!("`{typed}`: there is no folder `{}`", path.display());
        return Err(Failure::usage(codes::FILE_UNREADABLE, message));
    }
    Ok(Arc::new(OciLayout::open(path)?))
}

/// The image that a layout holds, where it holds one alone.
async fn only_image(typed: &str, path: &Path, layout: &Arc<OciLayout>, common: &Common) -> Result<Digest, Failure> {
    let reader = layout.clone();
    let Ok(images) = tokio::time::timeout(common.timeout, apart(move || reader.images())).await else {
        let message = format!("`{typed}` was not looked through within {} s", common.timeout.as_secs_f32());
        return Err(Failure::unknown(flow::TIMEOUT, message));
    };
    match images?.as_slice() {
        [one] => Ok(one.digest.clone()),
        list => {
            let named: Vec<_> = list.iter().take(SHOWN_IMAGES).map(|d| d.digest.to_string()).collect();
            let more = if list.len() > SHOWN_IMAGES { ", ..." } else { "" };
            let named = if list.is_empty() { String::new() } else { format!(" ({}{more})", named.join(", ")) };
            let (count, path) = (list.len(), path.display());
            let message = format!("`{typed}` holds {count} images{named}; name one as oci:{path}@sha256:...");
            Err(Failure::usage(codes::SUBJECT_AMBIGUOUS, message))
        }
    }
}

/// Images that a message names.
const SHOWN_IMAGES: usize = 4;

/// Runs what reads many files on a thread of its own, so that a deadline holds meanwhile. What comes too late is left to
/// end with the process. A panic of it is one of the caller's.
pub(in crate::cli) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}

async fn image(
    typed: &str,
    reference: &Reference,
    bundles: Vec<FileEvidence>,
    common: &Common,
    evidence: &EvidenceArgs,
    require_digest: bool,
) -> Result<Resolved, Failure> {
    let needs_network = reference.digest().is_none() || bundles.is_empty();
    if evidence.offline && needs_network {
        let message =
            format!("`{typed}` needs its registry, and --offline forbids it: pin the digest and pass --bundle");
        return Err(Failure::usage(codes::OFFLINE, message));
    }
    let registry = if evidence.offline { None } else { Some(open_image(reference, common)?) };
    let (digest, by_tag) = match (reference.digest(), &registry) {
        (Some(d), _) => (d.clone(), None),
        (None, _) if require_digest => return Err(digest_required(typed)),
        (None, Some(registry)) => {
            let tag = reference.tag().unwrap_or("latest");
            let found = registry.resolve(tag).await?;
            let Some(d) = found else {
                return Err(Failure::unknown(
                    flow::SUBJECT_NOT_FOUND,
                    format!("{}: there is no tag `{tag}`", registry.place()),
                ));
            };
            (d.digest, Some(format!("tag `{tag}`")))
        }
        (None, None) => return Err(digest_required(typed)),
    };
    let store = match (evidence.attestation_repository.as_deref().filter(|n| !n.is_empty()), bundles.is_empty()) {
        (_, false) => None,
        (Some(name), true) => Some(open_image(&store_of(reference, Some(name))?, common)?),
        (None, true) => registry.clone(),
    };
    let artifact = Artifact::new(typed, reference.name(), digest);
    Ok(Resolved { artifact, subject: registry, store, bundles, path: None, layout: None, by_tag })
}

fn digest_required(typed: &str) -> Failure {
    Failure::usage(codes::DIGEST_REQUIRED, format!("`{typed}` names no digest, and --require-digest demands one"))
}

impl Resolved {
    /// Says in a decision how its subject was found. That a name can move, whoever deploys it has to know.
    pub fn tell(&self, decision: &mut SubjectDecision) {
        let digest = &self.artifact.digest;
        match (&self.by_tag, &self.layout) {
            (Some(what), None) => {
                decision.notes.push(format!("{what} is {digest} now and can move: deploy that digest"))
            }
            (Some(what), Some(_)) => decision.asides.push(format!("{what} is {digest}")),
            (None, _) => {}
        }
        if self.subject.is_some() && self.layout.is_none() {
            let text = "whoever pulls the image checks its layers against this digest; they were not fetched here";
            decision.asides.push(text.into());
        }
    }

    /// Warns that a tag was resolved: what it names can change.
    pub(in crate::cli) fn warn(&self, ui: &crate::cli::ui::Ui) {
        if let Some(text) = remark(&self.artifact.name) {
            ui.note(&text);
        }
        self.warn_of_tag(ui);
    }

    /// The same where what the name is read as was told before.
    pub(in crate::cli) fn warn_of_tag(&self, ui: &crate::cli::ui::Ui) {
        if let (Some(what), None) = (&self.by_tag, &self.layout) {
            ui.note(&format!("{}: {what} is resolved once, to {}", self.artifact.name, self.artifact.digest));
        }
    }

    /// All evidence sources of the subject.
    #[must_use]
    pub fn sources(&self) -> Vec<Box<dyn EvidenceSource + '_>> {
        let mut out: Vec<Box<dyn EvidenceSource + '_>> = Vec::new();
        for b in &self.bundles {
            out.push(Box::new(b.clone()));
        }
        if let Some(store) = &self.store {
            out.push(Box::new(RegistryEvidence::new(store.as_ref())));
        }
        out
    }

    /// What is decided on, and where to look.
    #[must_use]
    pub fn target(&self) -> flow::Target<'_> {
        let digests = self.path.as_deref().map(|path| -> flow::Digests<'_> {
            Box::new(move || {
                let path = path.to_owned();
                Box::pin(async move {
                    // Whoever asks for them waits no longer than its own deadline.
                    let digests = apart(move || hashing::strong_digests(&path, &|| true)).await;
                    digests.map_err(|e| e.to_string())?.ok_or_else(|| "they were not computed".to_owned())
                })
            })
        });
        flow::Target {
            artifact: self.artifact.clone(),
            sources: self.sources(),
            content: self.subject.as_deref().map(Checked::new),
            digests,
        }
    }

    /// Hashes every reachable blob of a layout's subject, and worsens the decision when one is not what it should be, or is
    /// not hashed in time.
    ///
    /// What is denied stays denied whatever its content is, which whoever made the layout may make as large as they
    /// like: it is not read.
    pub async fn check_content(&self, decision: &mut SubjectDecision, deadline: &dyn Deadline) {
        let Some(layout) = &self.layout else { return };
        if decision.verdict == Verdict::Deny {
            return;
        }
        let (reader, digest) = (layout.clone(), self.artifact.digest.clone());
        let hashed = Box::pin(apart(move || reader.verify_content(&digest)));
        let Either::Left((hashed, _)) = select(hashed, deadline.wait()).await else {
            let message = format!("the layout's content was not hashed within {}", deadline.given());
            return decision.worsen(Verdict::Unavailable, Reason::new(flow::TIMEOUT, message));
        };
        match hashed {
            Ok(report) => decision.asides.push(format!(
                "all content of the layout's image was hashed: {}, {}, {}",
                counted(report.manifests, "manifest"),
                counted(report.blobs, "blob"),
                counted(report.bytes, "byte")
            )),
            Err(e) => {
                // A blob with another digest is a definite no; one that cannot be read leaves the question open.
                let verdict = if matches!(e, RegistryError::DigestMismatch { .. }) {
                    Verdict::Deny
                } else {
                    Verdict::Unavailable
                };
                decision.worsen(verdict, Reason::new(e.code(), e.to_string()));
            }
        }
    }
}
