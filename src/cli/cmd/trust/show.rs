//! `attest trust show`

use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::cli::ui::Ui;
use crate::model::plural::counted;
use crate::model::{Timestamp, limits};
use crate::places::roots;
use crate::trust::{Authority, AuthorityKind, TrustedRoot};
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Show what is trusted, and until when
///
/// The roots are those that `attest verify` would use: given with --trusted-root, or else the embedded ones, each
/// replaced by a newer one that `attest trust update` fetched. No network.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest trust show
  attest trust show --trusted-root private.json --format json")]
pub(super) struct ShowArgs {
    /// Trusted root to show instead (repeatable)
    #[arg(long, value_name = "FILE")]
    pub trusted_root: Vec<PathBuf>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The roots; what one vouches for never supports another.
    pub roots: Vec<RootReport>,
}

/// One root.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RootReport {
    /// Where it came from.
    pub origin: String,
    /// When it was known to be the instance's own; absent for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Whole days since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_days: Option<i64>,
    /// Whether it is so old that a newer one should be fetched.
    pub old: bool,
    /// Who vouches.
    pub authorities: Vec<AuthorityReport>,
}

/// One authority.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorityReport {
    /// What it vouches for: certificates, transparency-log, certificate-log, timestamps.
    pub kind: &'static str,
    /// Its URL or subject.
    pub name: String,
    /// Id of a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_id: Option<String>,
    /// What it signed counts from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// And until then: what it signed before still counts afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// When the first certificate of its chain ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_ends: Option<String>,
    /// Whether it can vouch for something new now.
    pub in_force: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(args: &ShowArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let roots = roots::roots(&args.trusted_root, ui.now, &|n| ui.note(n)).await?;
    let roots = roots.iter().map(|r| root(r, ui.now)).collect::<Result<_, _>>()?;
    let report = ShowReport { schema_version: 1, roots };
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::done(text(&report)),
    })
}

fn root(root: &TrustedRoot, now: Timestamp) -> Result<RootReport, Failure> {
    let authorities = root.authorities().map_err(|e| Failure::usage(e.code(), e.to_string()).context(root.origin()))?;
    let age_days = roots::age_days(root, now);
    Ok(RootReport {
        origin: root.origin().to_owned(),
        as_of: root.as_of().map(|t| t.to_string()),
        age_days,
        old: age_days.is_some_and(|d| d > limits::ROOT_AGE_DAYS),
        authorities: authorities.iter().map(|a| authority(a, now)).collect(),
    })
}

fn authority(authority: &Authority, now: Timestamp) -> AuthorityReport {
    AuthorityReport {
        kind: match authority.kind {
            AuthorityKind::Certificates => "certificates",
            AuthorityKind::TransparencyLog => "transparency-log",
            AuthorityKind::CertificateLog => "certificate-log",
            AuthorityKind::Timestamps => "timestamps",
        },
        name: authority.name.clone(),
        log_id: authority.log_id.clone(),
        from: authority.window.not_before.map(|t| t.to_string()),
        until: authority.window.not_after.map(|t| t.to_string()),
        certificate_ends: authority.certificate_ends.map(|t| t.to_string()),
        in_force: authority.window.contains(now) && authority.certificate_ends.is_none_or(|end| now <= end),
    }
}

fn text(report: &ShowReport) -> String {
    let mut out = String::new();
    for root in &report.roots {
        let age = match (&root.as_of, root.age_days) {
            (Some(as_of), Some(days)) => format!(", as of {} ({} ago)", day(as_of), counted(days, "day")),
            _ => String::new(),
        };
        let _ = writeln!(out, "{}{age}", sanitize::line(&root.origin));
        if root.old {
            out.push_str("  old: run `attest trust update`\n");
        }
        for a in &root.authorities {
            let from = a.from.as_deref().map_or("any time", day);
            let until = a.until.as_deref().map_or("further notice", day);
            let _ = write!(out, "  {:<17} {}  from {from} until {until}", a.kind, sanitize::line(&a.name));
            if let Some(end) = &a.certificate_ends {
                let _ = write!(out, ", certificate ends {}", day(end));
            }
            out.push_str(if a.in_force { "\n" } else { ", not in force now\n" });
        }
    }
    out
}

/// The day of a time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}
