//! What all of `attest admission` is given: policies, roots, kinds of objects, registries.

use crate::cli::args::Common;
use crate::cli::exit::{Failure, codes};
use crate::cli::ui::Ui;
use crate::model::limits;
use crate::places::{self, NearBy, PolicyPlaces, Pool, Until};
use crate::policy::Policy;
use crate::registry::Shelf;
use crate::trust::TrustedRoot;
use crate::webhook::{Bearers, Decider, Known, Settings, Unmatched};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is decided with.
#[derive(Clone, Debug, Args)]
pub(super) struct Given {
    /// Policy, or a folder of them, beside the system's (repeatable: all of them)
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Vec<PathBuf>,
    /// Trusted root for certificates (repeatable)
    #[arg(long, value_name = "FILE")]
    trusted_root: Vec<PathBuf>,
    /// What is done with an image that no policy speaks about
    #[arg(long, value_enum, default_value = "deny", value_name = "CHOICE")]
    unmatched: Other,
    /// Where a custom kind has its images: GROUP/KIND=/path, of which a part may be * (repeatable)
    #[arg(long, value_name = "WHERE")]
    images: Vec<String>,
    /// Ask registries of this machine, too
    #[arg(long)]
    pub(super) allow_loopback_registry: bool,
    /// Registry whose name may stand for an address of a private network (repeatable)
    #[arg(long, value_name = "HOST")]
    private_registry: Vec<String>,
}

/// What is done with an image that no policy speaks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Other {
    /// Deny it
    Deny,
    /// Admit it with a warning
    Warn,
    /// Admit it
    Allow,
}

impl Given {
    /// The policies.
    ///
    /// # Errors
    /// [`Failure`], also where there is none.
    pub(super) fn policies(&self) -> Result<Vec<Policy>, Failure> {
        let policies = PolicyPlaces::of_process(&self.policy).load()?;
        if policies.is_empty() {
            return Err(Failure::usage(codes::NO_POLICY, "there is no policy: pass --policy FILE or --policy FOLDER"));
        }
        Ok(policies)
    }

    /// The trusted roots.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn roots(&self, note: &dyn Fn(&str)) -> Result<Vec<TrustedRoot>, Failure> {
        Ok(places::roots::roots(&self.trusted_root, places::now(), note).await?)
    }

    /// The kinds whose images are known.
    ///
    /// # Errors
    /// Wrong usage.
    pub(super) fn bearers(&self) -> Result<Bearers, Failure> {
        Bearers::with(&self.images).map_err(|why| Failure::usage(codes::USAGE, format!("--images: {why}")))
    }

    /// Decides with all of this; `evidence_age` seconds may what is remembered of a registry be old.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn decider(
        &self,
        known: Known,
        common: &Common,
        evidence_age: i64,
        memory: usize,
    ) -> Result<Arc<Decider>, Failure> {
        let options = common.registries.options(&common.registry_settings())?;
        let near = NearBy { loopback: self.allow_loopback_registry, private: self.private_registry.clone() };
        let unmatched = match self.unmatched {
            Other::Deny => Unmatched::Deny,
            Other::Warn => Unmatched::Warn,
            Other::Allow => Unmatched::Allow,
        };
        let settings = Settings { unmatched, evidence_age, now: Box::new(places::now), deadlines };
        Ok(Decider::new(settings, known, Box::new(Pool::new(options, near)), Shelf::new(memory, places::now)))
    }

    /// The same for one run, with what a person sees of it.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn once(&self, common: &Common, ui: &Ui) -> Result<Arc<Decider>, Failure> {
        let known = Known { policies: Ok(self.policies()?), roots: self.roots(&|n| ui.note(n)).await? };
        // Who runs it names what is asked, as with `attest verify`: nothing is too near.
        let given = Self { allow_loopback_registry: true, ..self.clone() };
        given.decider(known, common, 0, limits::EVIDENCE_BYTES)
    }
}

/// Deadlines by this machine's clock.
pub(super) fn deadlines(given: Duration) -> Box<dyn crate::seam::Deadline> {
    Box::new(Until::within(given))
}
