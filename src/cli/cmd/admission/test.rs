//! `attest admission test`

use super::given::{Given, deadlines};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::sanitize;
use crate::cli::ui::Ui;
use crate::model::limits;
use crate::places::files;
use crate::policy::{Effect, Verdict};
use crate::webhook::{self, ImageUse, Worst};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Decide on manifests as the webhook would, without a cluster
///
/// Every object of the files is taken as if it were created. Exits 0 when all are admitted, 1 when one is denied, 3 when it could
/// not be found out.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest admission test deployment.yaml --policy policy.yaml
  helm template chart | attest admission test - --policy policies/ --namespace prod")]
pub(super) struct TestArgs {
    /// Files of objects in YAML or JSON; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    given: Given,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The worst of all objects.
    pub verdict: String,
    /// Every object.
    pub objects: Vec<ObjectReport>,
}

/// One object.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReport {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `allow`, `deny` or `unavailable`.
    pub verdict: String,
    /// Why not, or what is said all the same.
    pub reasons: Vec<ReasonReport>,
}

/// One reason.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonReport {
    /// The field of the object.
    pub field: String,
    /// The image.
    pub image: String,
    /// What is done with it: `admit`, `warn`, `except`, `record`, `defer`, `deny`.
    pub effect: String,
    /// The policy, where it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The code, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For people.
    pub message: String,
}

pub(super) async fn run(args: &TestArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let (decider, bearers) = (args.given.once(common, ui).await?, args.given.bearers()?);
    let mut objects = Vec::new();
    for path in &args.files {
        let bytes = files::read(path, limits::MANIFEST_FILE_BYTES)?;
        let shown = path.display();
        let found = webhook::items(&bytes).map_err(|e| Failure::usage(codes::USAGE, format!("`{shown}`: {e}")))?;
        for item in found {
            let namespace = item.namespace.clone().unwrap_or_else(|| args.namespace.clone());
            let mut report = ObjectReport {
                kind: item.kind.clone(),
                namespace: namespace.clone(),
                name: item.name.clone(),
                verdict: Verdict::Allow.to_string(),
                reasons: Vec::new(),
            };
            let images = match item.images(&bearers) {
                Ok(images) => images,
                // What a cluster would not ask about is not for the webhook to decide.
                Err(e) if e.code == webhook::KIND_UNKNOWN => continue,
                Err(e) => {
                    report.verdict = Verdict::Deny.to_string();
                    report.reasons.push(reason(None, &Effect::Deny, None, Some(e.code.to_string()), e.message));
                    objects.push((Worst::Deny, report));
                    continue;
                }
            };
            let mut worst = Worst::Admit;
            for found in images {
                let image = found.used.image.clone();
                let answer = decider.image(&image, Some(&namespace), deadlines(common.timeout).as_ref()).await;
                worst = worst.max(answer.effect());
                for line in &answer.lines {
                    let code = line.code.map(|c| c.to_string());
                    let policy = line.policy.clone();
                    report.reasons.push(reason(Some(&found.used), &line.effect, policy, code, line.message.clone()));
                }
            }
            report.verdict = Verdict::from(worst).to_string();
            objects.push((worst, report));
        }
    }
    if objects.is_empty() {
        return Err(Failure::usage(codes::USAGE, "the files hold no object that runs an image"));
    }
    let worst = objects.iter().map(|(worst, _)| *worst).max().unwrap_or(Worst::Deny);
    let exit = Exit::from(Verdict::from(worst));
    let objects: Vec<_> = objects.into_iter().map(|(_, report)| report).collect();
    let report = TestReport { schema_version: 1, verdict: Verdict::from(worst).to_string(), objects };
    Ok(match common.format {
        Format::Json => Outcome::json(&report, exit),
        _ => Outcome { stdout: page(&report).into_bytes(), exit, purpose: Purpose::Shown },
    })
}

fn reason(
    used: Option<&ImageUse>,
    effect: &Effect,
    policy: Option<String>,
    code: Option<String>,
    message: String,
) -> ReasonReport {
    ReasonReport {
        field: used.map(ImageUse::field).unwrap_or_default(),
        image: used.map(|u| u.image.clone()).unwrap_or_default(),
        effect: effect.name().to_owned(),
        policy,
        code,
        message,
    }
}

fn page(report: &TestReport) -> String {
    let mut out = String::new();
    for object in &report.objects {
        let ObjectReport { kind, namespace, name, verdict, reasons } = object;
        let head = format!("{} {kind} {namespace}/{name}", verdict.to_uppercase());
        let _ = writeln!(out, "{}", sanitize::line(&head));
        for reason in reasons {
            let code = reason.code.as_ref().map_or_else(String::new, |c| format!(" {c}:"));
            let policy = reason.policy.as_ref().map_or_else(String::new, |p| format!(" (policy {p})"));
            let ReasonReport { field, image, effect, message, .. } = reason;
            let line = format!("{effect} {image} at {field}:{code} {message}{policy}");
            let line = line.replace(":  (policy", " (policy");
            let _ = writeln!(out, "  {}", sanitize::line(line.trim_end()));
        }
    }
    out
}
