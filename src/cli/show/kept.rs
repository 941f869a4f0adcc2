//! What `create` leaves in an outbox, and how it says so.

use crate::capture::Environment;
use crate::cli::args::signing::Signing;
use crate::cli::exit::{Exit, Failure, codes};
use crate::cli::outbox;
use crate::cli::outbox::Outbox;
use crate::flow::{Context, Destination, Entry, Waiting};
use crate::issuer;
use crate::model::plural::counted;
use std::fmt::Write as _;
use std::path::Path;

/// Entries that one `create` left.
pub(in crate::cli) struct Left {
    /// The outbox, if one was named.
    pub(in crate::cli) outbox: Option<Outbox>,
    /// The folder as given, for messages.
    pub(in crate::cli) folder: String,
    /// The run that this is.
    pub(in crate::cli) run: String,
    /// What the signer goes by while it does not answer.
    pub(in crate::cli) name: String,
    kept: Vec<Kept>,
}

struct Kept {
    digest: String,
    unsigned: bool,
    /// A file that `flush` writes only when it is named.
    output: Option<String>,
    cause: Failure,
}

impl Left {
    /// Nothing so far.
    pub(in crate::cli) fn new(outbox: Option<Outbox>, folder: String, run: String, name: String) -> Self {
        Self { outbox, folder, run, name, kept: Vec::new() }
    }

    /// Keeps a statement that could not be signed, if that was an outage and there is an outbox. `builder_is_open` says
    /// that the identity that signs it later names its builder.
    ///
    /// # Errors
    /// The failure itself otherwise.
    pub(in crate::cli) fn unsigned(
        &mut self,
        statement: Vec<u8>,
        builder_is_open: bool,
        destinations: Vec<Destination>,
        signing: Option<&Signing>,
        failure: Failure,
    ) -> Result<(), Failure> {
        // Only what could not be found out may end otherwise later.
        if failure.exit != Exit::Unknown {
            return Err(failure);
        }
        let signer = signing.and_then(|s| s.names.last()).unwrap_or(&self.name).clone();
        let context = Context { run: self.run.clone(), signer };
        self.keep(Entry { waiting: Waiting::Unsigned { statement, context, builder_is_open }, destinations }, failure)
    }

    /// Keeps a bundle that could not be published, whatever the reason: it may be in a log, and is not made again.
    ///
    /// # Errors
    /// The failure itself without an outbox.
    pub(in crate::cli) fn signed(
        &mut self,
        bundle: Vec<u8>,
        destinations: Vec<Destination>,
        failure: Failure,
    ) -> Result<(), Failure> {
        let waiting = Waiting::Signed { bundle, made_from: None };
        self.keep(Entry { waiting, destinations }, failure)
    }

    fn keep(&mut self, entry: Entry, failure: Failure) -> Result<(), Failure> {
        let Some(outbox) = &self.outbox else { return Err(failure) };
        let unsigned = matches!(entry.waiting, Waiting::Unsigned { .. });
        let digest = outbox.keep(&entry)?.to_string();
        let output = entry.destinations.into_iter().find_map(|d| match d {
            Destination::File { path } => outbox::place(Path::new(&path)).is_err().then_some(path),
            Destination::Image { .. } => None,
        });
        self.kept.push(Kept { digest, unsigned, output, cause: failure });
        Ok(())
    }

    /// Says what is kept and how to send it; `failed` is what could not be kept or not be made.
    ///
    /// # Errors
    /// `outbox-kept` when anything is, `failed` otherwise.
    pub(in crate::cli) fn end(self, failed: Option<Failure>) -> Result<(), Failure> {
        let Some(first) = self.kept.first() else { return failed.map_or(Ok(()), Err) };
        let cause = failed.as_ref().unwrap_or(&first.cause);
        let unsigned: Vec<_> = self.kept.iter().filter(|k| k.unsigned).map(|k| k.digest.as_str()).collect();
        let signed = self.kept.len() - unsigned.len();
        let what = match (signed, unsigned.len()) {
            (s, 0) => counted(s, "signed bundle"),
            (0, u) => counted(u, "unsigned statement"),
            (s, u) => format!("{} and {}", counted(s, "signed bundle"), counted(u, "unsigned statement")),
        };
        let message = format!("{}: {}; {what} wait in the outbox `{}`", cause.code, cause.message, self.folder);
        let mut failure = Failure::unknown(codes::OUTBOX_KEPT, message);
        let output = self.kept.iter().find_map(|k| k.output.as_deref());
        let output =
            output.map(|path| format!(" --output {}", crate::cli::show::sanitize::line(path))).unwrap_or_default();
        let sign = unsigned.iter().fold(output, |mut out, digest| {
            let _ = write!(out, " --sign {digest}");
            out
        });
        let how = if unsigned.is_empty() {
            "send it with"
        } else {
            "sign and send it, with the flags of signing as they were"
        };
        failure.detail =
            format!("{how}:\n  attest flush --outbox {}{sign}\n", crate::cli::show::sanitize::line(&self.folder));
        Err(failure)
    }
}

/// The run that this process belongs to: of a CI system, else this machine and folder.
pub(in crate::cli) fn run_of(env: &Environment) -> String {
    let here = || format!("{}:{}", env.hostname.as_deref().unwrap_or("localhost"), env.working_dir.display());
    issuer::run(env).unwrap_or_else(here)
}
