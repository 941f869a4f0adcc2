//! `attest audit init`

use crate::audit::Settings;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::places::{self, AuditPlace};
use crate::record::Class;
use clap::Args;

/// Some law wants records of automated decisions for so long (days): the EU's AI Act, articles 19 and 26.
const SIX_MONTHS: u32 = 183;

/// Make an audit log
///
/// Makes the folder for its owner alone, with a key that signs checkpoints, a key that signs redactions, one
/// under which public logs know the log, and the keys under which records are encrypted. Never overwrites.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit init
  attest audit init --origin audit.example.com/team --retain executions=200 --retain sessions=30")]
pub(super) struct InitArgs {
    /// Name of the log: an address without a scheme; HOST/audit unless told
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// How long a class is kept: `executions=90`, `sessions=30`, or `forever` for the days (repeatable)
    #[arg(long, value_name = "CLASS=DAYS")]
    retain: Vec<String>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The folder.
    pub log: String,
    /// The log's name.
    pub origin: String,
    /// Its public key, as C2SP's tools take it.
    pub key: String,
    /// The public key of redactions.
    pub redaction_key: String,
    /// The public key under which public logs know its checkpoints (`attest audit anchor --rekor`): DER in base64, ECDSA P-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_key: Option<String>,
    /// Where the private key of redactions is.
    pub redaction_key_file: String,
}

pub(super) fn run(args: &InitArgs, place: &AuditPlace, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let environment = places::environment()?;
    let host = environment.hostname.as_deref().unwrap_or("localhost");
    let origin = args.origin.clone().unwrap_or_else(|| format!("{host}/audit"));
    if origin.contains("://") || !origin.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::usage(
            codes::USAGE,
            "--origin: expected an address without a scheme, such as audit.example.com/team",
        ));
    }
    let mut retention = Settings::default_retention();
    for text in &args.retain {
        let wrong =
            || Failure::usage(codes::USAGE, "--retain: expected CLASS=DAYS, such as executions=90 or sessions=forever");
        let (class, days) = text.split_once('=').ok_or_else(wrong)?;
        let class = Class::named(class).filter(|class| retention.contains_key(class)).ok_or_else(wrong)?;
        match days {
            "forever" => drop(retention.remove(&class)),
            days => drop(retention.insert(class, days.parse().ok().filter(|days| *days > 0).ok_or_else(wrong)?)),
        }
    }
    let made = place.create(&origin, retention, places::now())?;
    if made.settings.retention.get(&Class::Executions).is_some_and(|days| *days < SIX_MONTHS) {
        ui.note(&format!(
            "what executions say is kept for {} days; some law wants six months: --retain executions={SIX_MONTHS}",
            made.settings.retention.get(&Class::Executions).copied().unwrap_or_default()
        ));
    }
    let mut log = place.writer(common.timeout)?;
    log.publish()?;
    let report = InitReport {
        schema_version: 1,
        log: place.folder.display().to_string(),
        origin,
        key: made.settings.key.to_string(),
        redaction_key: made.settings.officer.to_string(),
        anchor_key: made.settings.anchor.as_ref().map(crate::audit::shown_anchor),
        redaction_key_file: made.officer.display().to_string(),
    };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    Ok(Outcome::told(format!(
        "made the audit log {} in {}\nkey            {}\nredaction key  {}\n\n\
         Keep the key line elsewhere: whoever checks this log needs it from a place that the log's owner cannot change.\n\
         Move {} to whoever may order erasures; `attest audit erase` takes it with --redaction-key.\n",
        report.origin, report.log, report.key, report.redaction_key, report.redaction_key_file
    )))
}
