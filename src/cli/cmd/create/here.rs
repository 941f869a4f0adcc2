//! The command line, as what the flow of `attest create` asks of its caller.

use super::args::CreateArgs;
use crate::capture::{Context, Environment};
use crate::cli::args::signing::Method;
use crate::cli::args::{Common, build, charter};
use crate::cli::exit::{Exit, Failure, codes};
use crate::cli::ui::Ui;
use crate::evidence::{self, Added, Same};
use crate::flow::Signing;
use crate::flow::create::{Caller, Further, Subjects};
use crate::model::{Digest, Timestamp};
use crate::outbox::{Entry, Outbox};
use crate::places::{self, files};
use std::path::Path;

/// What may be forgotten where a word behind a subject is no file, or a flag is none of ours.
pub(in crate::cli) const FORGOTTEN: &str =
    "check the names; a build step stands behind `--`: attest create app --key attest.key -- make app";

/// Where a build step ended well and a file that is to be attested is not there.
const NOT_MADE: &str = "the build step ended without making it: name what the step makes, or correct the step";

/// The command line, as what a plan is carried out with.
pub(super) struct Here<'a> {
    pub(super) args: &'a CreateArgs,
    pub(super) common: &'a Common,
    pub(super) ui: &'a Ui,
    pub(super) env: &'a Environment,
    pub(super) method: Method,
    pub(super) outbox: Option<Outbox>,
}

impl Caller for Here<'_> {
    type Error = Failure;

    fn is_outage(error: &Failure) -> bool {
        error.exit == Exit::Unknown
    }

    fn now(&self) -> Timestamp {
        places::now()
    }

    fn note(&self, text: &str) {
        self.ui.note(text);
    }

    async fn charter(&self, context: &mut Context) -> Result<Option<Further>, Failure> {
        let Self { args, common, ui, env, .. } = *self;
        charter::capture(&args.build, args.attach_charter, context, env, common, ui).await
    }

    async fn prepared(&self) -> Result<(), Failure> {
        let Self { args, common, ui, .. } = *self;
        self.method.look()?;
        let can_wait = self.outbox.is_some();
        if !can_wait && args.output.is_none() {
            for path in build::default_outputs(&args.subjects) {
                files::writable(&path, true)?;
            }
        }
        if args.no_attach {
            return Ok(());
        }
        match build::pushable(&args.subjects, common, args.attestation_repository.as_deref()).await {
            // What an outage keeps back waits.
            Err(failure) if can_wait && Self::is_outage(&failure) => {
                ui.note(&format!("before the build step: {}", failure.message))
            }
            done => done?,
        }
        Ok(())
    }

    fn stepped(&self) {
        for path in self.common.registries.changed() {
            let path = path.display();
            let why = "what it said before counts: log in before `attest create`";
            self.ui.note(&format!("the build step changed `{path}`; {why}"));
        }
    }

    async fn signing(&self) -> Result<Signing, Failure> {
        self.method.open(self.common, self.ui).await
    }

    async fn subjects(&self) -> Result<Subjects, Failure> {
        let Self { args, common, ui, env, .. } = *self;
        let store = args.attestation_repository.as_deref();
        let found = build::subjects(&args.subjects, args.list.as_deref(), env, common, store, ui).await;
        found.map_err(|failure| match args.subjects.as_slice() {
            [_, _, ..] if args.command.is_empty() && failure.code == codes::FILE_UNREADABLE => {
                Failure { hint: Some(FORGOTTEN), ..failure }
            }
            _ if !args.command.is_empty() && failure.code == codes::FILE_UNREADABLE => {
                Failure { hint: Some(NOT_MADE), ..failure }
            }
            _ => failure,
        })
    }

    fn writable(&self, path: &Path) -> Result<(), Failure> {
        Ok(files::writable(path, false)?)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        Ok(files::replace(path, bytes)?)
    }

    fn add(&self, path: &Path, bundles: &[&[u8]], same: Same<'_>) -> Result<Vec<Added>, Failure> {
        Ok(evidence::add(path, bundles, same, self.common.timeout.min(evidence::PATIENCE))?)
    }

    fn takes_more(&self, path: &Path) -> Result<(), Failure> {
        Ok(evidence::takes_more(path)?)
    }

    fn has_outbox(&self) -> bool {
        self.outbox.is_some()
    }

    fn keep(&self, entry: &Entry) -> Option<Result<Digest, Failure>> {
        Some(self.outbox.as_ref()?.keep(entry).map_err(Failure::from))
    }
}
