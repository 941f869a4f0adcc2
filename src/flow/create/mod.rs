//! [`create`]: capture, step, sign, publish, as one call. A [`Plan`] says what will happen; a [`Caller`] has what acts
//! outside of this process, and is told what happens.

mod error;
mod kept;
mod publish;
mod statements;
mod step;

use crate::capture::input::files::Progress;
use crate::capture::step::keep_memory_private;
use crate::capture::{Context, Environment, Local, Missing, Open, Request, capture};
use crate::evidence::{Added, Same};
use crate::flow::{Attached, Signing, Unsigned, contradictions, contradictions_of};
use crate::model::plural::counted;
use crate::model::{Artifact, Digest, PredicateUri, Subject, Text, Timestamp};
use crate::outbox::{self, Entry};
use crate::policy::Reason;
use crate::predicate::field;
use crate::registry::Registry;
use crate::verify;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::{CreateError, STEP_FAILED};
pub use kept::Kept;
pub use statements::{find_secret, secrets, statement_bytes, statements};
pub use step::StepPlan;

/// What is to happen, in this order: the context is captured, the charter fetched, the build step run, the subjects
/// resolved, the signer opened, the statements made and searched for secrets, signed, verified, and published.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The surroundings of this process.
    pub env: &'a Environment,
    /// How long git and hashing may take.
    pub local: Local,
    /// What the caller says of the build.
    pub request: Request,
    /// The build step, if there is one.
    pub step: Option<StepPlan<'a>>,
    /// A predicate to sign instead of the provenance that is captured, as it is written.
    pub given: Option<(PredicateUri, Text)>,
    /// Variables that hold what signs: no step is handed them, and no statement may hold their values.
    pub withheld: &'a [String],
    /// Whether what signs, a key or a token, lies in a file that a build step could have read.
    pub secret_in_file: bool,
    /// Whether the certificate of what signs names the builder.
    pub signer_names_builder: bool,
    /// The run that this is, and what the signer goes by while it does not answer: kept beside what an outage leaves unsigned.
    pub context: outbox::Context,
    /// Whether the charter's snapshot is signed and published too.
    pub attach_charter: bool,
    /// Where bundles go.
    pub places: PublishTo,
}

/// Where bundles go.
#[derive(Clone, Debug, Default)]
pub struct PublishTo {
    /// A file of bundles, one per line; `None` for the usual one beside files.
    pub output: Option<PathBuf>,
    /// Nothing is attached to images.
    pub attach_nothing: bool,
    /// The repository that keeps evidence of images, where it is another than the image's.
    pub store: Option<String>,
}

/// A statement that is made of more than the captured context.
#[derive(Debug)]
pub struct Further {
    /// What it is about.
    pub subject: Subject,
    /// Its predicate type.
    pub kind: PredicateUri,
    /// Its predicate.
    pub predicate: Map<String, Value>,
}

/// The subjects of a build, as they are after the step.
#[derive(Default)]
pub struct Subjects {
    /// Artifacts in registries and layouts.
    pub images: Vec<Image>,
    /// Files, and what checksum files name.
    pub files: Vec<Subject>,
    /// Paths of the files; bundles go beside them.
    pub paths: Vec<PathBuf>,
    /// Paths of the lists that named files, such as checksum files; bundles go beside these, too.
    pub lists: Vec<PathBuf>,
}

/// An artifact in a registry or layout.
pub struct Image {
    /// What it is.
    pub artifact: Artifact,
    /// Its name in a statement.
    pub name: String,
    /// Where it is.
    pub subject: Arc<dyn Registry>,
    /// What keeps its evidence.
    pub store: Arc<dyn Registry>,
}

/// What a caller has, and is told.
///
/// Contract: [`Caller::signing`] must open a key or fetch a token only when it is called, which is after the build step has
/// ended: a step that runs as the same user could read it from memory and sign what it likes. [`Caller::subjects`] is called
/// then, too, as the step makes them.
#[expect(async_fn_in_trait, reason = "one call on one thread: no future is sent to another")]
pub trait Caller {
    /// Why the caller could not do its part.
    type Error: From<CreateError> + Clone;

    /// Whether the same may end otherwise later, so that what there is may wait in the outbox.
    fn is_outage(_error: &Self::Error) -> bool {
        false
    }
    /// The present.
    fn now(&self) -> Timestamp;
    /// Tells a person something that changes nothing.
    fn note(&self, _text: &str) {}
    /// Is told of bytes that were hashed.
    fn progress(&self) -> Progress<'_> {
        &|_| ()
    }

    /// Adds what can be known of the charter to the context, and gives its snapshot as a statement of its own.
    ///
    /// # Errors
    /// Where a snapshot is required.
    async fn charter(&self, _context: &mut Context) -> Result<Option<Further>, Self::Error> {
        Ok(None)
    }
    /// Looks, before a build step that may take hours, whether what comes after it could be done: that what signs is there, and
    /// that what is made could be written and pushed. Nothing is opened or stored.
    ///
    /// # Errors
    /// Where it could not.
    async fn prepared(&self) -> Result<(), Self::Error> {
        Ok(())
    }
    /// The build step has ended well.
    fn stepped(&self) {}
    /// Opens what signs.
    async fn signing(&self) -> Result<Signing, Self::Error>;
    /// Resolves the subjects.
    async fn subjects(&self) -> Result<Subjects, Self::Error>;
    /// That a file can be written.
    fn writable(&self, _path: &Path) -> Result<(), Self::Error> {
        Ok(())
    }
    /// Writes a file whole, or leaves it as it is. Here and below a relative path is one below the working folder.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Self::Error>;
    /// Adds bundles to a file and to what is beside it, as [`evidence::add`](crate::evidence::add) does.
    fn add(&self, path: &Path, bundles: &[&[u8]], same: Same<'_>) -> Result<Vec<Added>, Self::Error>;
    /// That bundles can be added there.
    fn takes_more(&self, _path: &Path) -> Result<(), Self::Error> {
        Ok(())
    }
    /// Whether what an outage keeps back is kept for later.
    fn has_outbox(&self) -> bool {
        false
    }
    /// Keeps what an outage left; `None` where there is no outbox.
    fn keep(&self, _entry: &Entry) -> Option<Result<Digest, Self::Error>> {
        None
    }
}

/// What was made.
#[derive(Debug)]
pub struct Created<E> {
    /// Id of the key that signed.
    pub key_id: Option<String>,
    /// Whom the certificate shows as signer.
    pub signer: Option<verify::Signer>,
    /// The statements that were signed, with their bundles.
    pub signed: Vec<Signed>,
    /// The file that the bundles were written to; a relative path is one below the working folder.
    pub output: Option<PathBuf>,
    /// Whether that file held others before, which are still there.
    pub beside_others: bool,
    /// Where bundles were attached: the image's digest, the place, what was done.
    pub attached: Vec<(Digest, String, Attached)>,
    /// What waits in the outbox.
    pub kept: Vec<Kept<E>>,
    /// What could neither be done nor be kept for later.
    pub failed: Option<E>,
}

/// A statement that was signed.
#[derive(Debug)]
pub struct Signed {
    /// The statement.
    pub statement: Unsigned,
    /// Its bundle, which was verified as a stranger would.
    pub bundle: Vec<u8>,
    /// Whether the file had the same statement of the same signer, so that nothing was added to it.
    pub already: bool,
}

/// Makes attestations as the plan says.
///
/// # Errors
/// Where nothing was signed. What failed later is part of what is returned, beside what was done.
pub async fn create<C: Caller>(plan: &Plan<'_>, caller: &C) -> Result<Created<C::Error>, C::Error> {
    let mut context = capture(&plan.request, plan.env, &plan.local).map_err(CreateError::from)?;
    context.captured_at(caller.now());
    let snapshot = match &plan.given {
        Some(_) => None,
        None => caller.charter(&mut context).await?,
    };
    if plan.attach_charter && snapshot.is_none() {
        return Err(CreateError::NoSnapshot.into());
    }
    keep_memory_private().map_err(CreateError::from)?;
    // What is known to be missing is said, and refused where it is required, before a build that may take an hour.
    let open = Open { step: plan.step.is_some(), identity: plan.signer_names_builder };
    let mut told = if open.step { plan.missing(&context, open) } else { Vec::new() };
    told.iter().for_each(|m| caller.note(&m.text));
    plan.demanded(&context, open)?;
    if let Some(step) = &plan.step {
        caller.prepared().await?;
        step::run(step, plan, &mut context, caller)?;
        caller.stepped();
    }
    let subjects = caller.subjects().await?;
    // Keys are opened, and tokens fetched, after the step has ended and what is hashed is hashed: certificates live for minutes.
    let signing = caller.signing().await;
    if let (Err(error), true) = (&signing, plan.signer_names_builder)
        && (!caller.has_outbox() || !C::is_outage(error))
    {
        return Err(error.clone());
    }
    if let Some(identity) = signing.as_ref().ok().and_then(|s| s.identity.as_ref()) {
        context.signed_by(identity);
    }
    context.doubts().iter().for_each(|text| caller.note(text));
    let later: Vec<_> = plan.missing(&context, Open::default()).into_iter().filter(|m| !told.contains(m)).collect();
    later.iter().for_each(|m| caller.note(&m.text));
    told.extend(later);
    count_missing(&told, &|text| caller.note(text));
    plan.demanded(&context, Open::default())?;
    let statements = plan.statements(context, &subjects, snapshot, caller)?;
    let output = publish::output(plan, &subjects)?;
    if let (false, Some(path)) = (caller.has_outbox(), &output) {
        // What is signed and then lost may be in a log for ever.
        caller.writable(path)?;
        if plan.places.output.is_none() {
            caller.takes_more(path)?;
        }
    }
    let mut run = publish::Run::new(plan, caller, &subjects, output);
    run.made.key_id = signing.as_ref().ok().and_then(|s| Some(s.key.as_ref()?.id()));
    // An identity that could not be had would have said who builds.
    let builder_is_open =
        plan.given.is_none() && plan.signer_names_builder && signing.as_ref().map_or(true, |s| s.is_open);
    for statement in statements {
        if let Err(error) = run.sign(statement, &signing, builder_is_open).await {
            run.made.failed = Some(error);
            break;
        }
    }
    run.publish(&signing).await;
    Ok(run.made)
}

impl<'a> Plan<'a> {
    /// Captures, signs with a key and publishes; without a build step.
    #[must_use]
    pub fn new(env: &'a Environment, request: Request) -> Self {
        Self {
            env,
            local: Local::default(),
            request,
            step: None,
            given: None,
            withheld: &[],
            secret_in_file: false,
            signer_names_builder: false,
            context: outbox::Context { run: String::new(), signer: String::new() },
            attach_charter: false,
            places: PublishTo::default(),
        }
    }

    /// What the provenance lacks; of another predicate nothing is known.
    fn missing(&self, context: &Context, open: Open) -> Vec<Missing> {
        if self.given.is_some() { Vec::new() } else { context.missing(open) }
    }

    /// That what is required is there.
    fn demanded(&self, context: &Context, open: Open) -> Result<(), CreateError> {
        if self.given.is_some() { Ok(()) } else { Ok(context.demanded(open)?) }
    }

    /// The statements to sign, one for each 1,024 subjects, and the charter's.
    fn statements<C: Caller>(
        &self,
        context: Context,
        subjects: &Subjects,
        snapshot: Option<Further>,
        caller: &C,
    ) -> Result<Vec<Unsigned>, C::Error> {
        let secrets = secrets(self.env, self.withheld, &context, &|text| caller.note(text));
        let mut out = match &self.given {
            Some((kind, predicate)) => statements(subjects.all(), kind, predicate.clone(), &secrets)?,
            None => {
                let mut more = Map::new();
                if self.secret_in_file && self.step.is_some() {
                    // Same user, same file: the step could have read it.
                    more.insert("signingKey".into(), json!({ "readableByStep": true }));
                }
                let predicate = context.predicate(more).into();
                // It may hold a hundred thousand dependencies, which the predicate has now.
                drop(context);
                statements(subjects.all(), &PredicateUri::slsa_provenance(), predicate, &secrets)?
            }
        };
        if let Some(further) = snapshot.filter(|_| self.attach_charter) {
            let predicate = Value::Object(further.predicate).to_string().into();
            out.extend(statements(vec![further.subject], &further.kind, predicate, &secrets)?);
        }
        Ok(out)
    }
}

impl Subjects {
    /// All subjects of the statements: images first.
    #[must_use]
    pub fn all(&self) -> Vec<Subject> {
        let image = |i: &Image| Subject::new(i.name.clone(), crate::model::DigestSet::of(&i.artifact.digest));
        self.images.iter().map(image).chain(self.files.iter().cloned()).collect()
    }
}

/// Tells whoever signs what is missing, each in a line, and their number.
pub fn tell_missing(missing: &[Missing], note: &dyn Fn(&str)) {
    missing.iter().for_each(|m| note(&m.text));
    count_missing(missing, note);
}

fn count_missing(missing: &[Missing], note: &dyn Fn(&str)) {
    if missing.is_empty() {
        return;
    }
    let mut names: Vec<_> = missing.iter().map(|m| field::short(m.field)).collect();
    names.dedup();
    let fields = counted(names.len(), "field");
    note(&format!("{fields} missing or flawed: {}; --require makes such a field an error", names.join(", ")));
}

/// That no verifier will hold the certificate against what was just signed by it. Of another builder a policy may say that
/// the signer speaks for it, so that is told to `note`.
///
/// # Errors
/// [`CreateError::Contradicted`].
pub fn agrees(statement: &Unsigned, signer: &verify::Signer, note: &dyn Fn(&str)) -> Result<(), CreateError> {
    without(contradictions(statement.statement(), signer), note)
}

/// The same of a certificate that has signed nothing yet, by its issuer and claims: then nothing is signed, and no log told.
///
/// # Errors
/// As [`agrees`].
pub fn agrees_beforehand(
    statement: &Unsigned,
    (issuer, claims): &(String, BTreeMap<u32, String>),
    note: &dyn Fn(&str),
) -> Result<(), CreateError> {
    without(contradictions_of(statement.statement(), issuer, claims), note)
}

fn without(contradictions: Vec<Reason>, note: &dyn Fn(&str)) -> Result<(), CreateError> {
    for reason in contradictions {
        if reason.code != crate::flow::OTHER_BUILDER {
            return Err(CreateError::Contradicted { code: reason.code, message: reason.message });
        }
        note(&format!(
            "the signing certificate contradicts the provenance: {}; only a policy that lists `builders` for this signer \
             will take it",
            reason.message
        ));
    }
    Ok(())
}
