//! `attest admission scan`

use super::given::{Given, deadlines};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::sanitize;
use crate::cli::ui::Ui;
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::files;
use crate::policy::Verdict;
use crate::webhook::{self, ImageAnswer, Worst};
use clap::Args;
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Show which images of a cluster would be refused at the next restart
///
/// Reads what `kubectl get pods -A -o json` prints. A pod that runs is looked at by the digest that runs, as a tag may name another
/// image by now. Exits 0 when all would be admitted, 1 when one would be refused, 3 when it could not be found out.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  kubectl get pods -A -o json | attest admission scan - --policy policy.yaml
  kubectl get pods -n prod -o json | attest admission scan - --policy policies/ --format json")]
pub(super) struct ScanArgs {
    /// File of objects in JSON or YAML; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    given: Given,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How many objects were looked at.
    pub objects: usize,
    /// How many of them run an image that would be refused.
    pub refused: usize,
    /// Every image of every namespace, the refused ones first.
    pub images: Vec<ImageReport>,
}

/// One image in one namespace.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageReport {
    /// `allow`, `deny` or `unavailable`.
    pub verdict: String,
    /// The image, by the digest that runs where that is known.
    pub image: String,
    /// The namespace.
    pub namespace: String,
    /// Code and reason, of what stands against it.
    pub reasons: Vec<String>,
    /// Names of the objects that run it.
    pub used_by: Vec<String>,
}

/// Names that are printed of the objects that run an image.
const SHOWN: usize = 3;

pub(super) async fn run(args: &ScanArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let (decider, bearers) = (args.given.once(common, ui).await?, args.given.bearers()?);
    let bytes = files::read(&args.file, limits::SCAN_BYTES)?;
    let shown = args.file.display();
    let items = webhook::items(&bytes).map_err(|e| Failure::usage(codes::USAGE, format!("`{shown}`: {e}")))?;
    drop(bytes);
    // Image and namespace to the objects that run it.
    let mut used: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut broken = Vec::new();
    let mut objects = 0;
    for item in &items {
        let namespace = item.namespace.clone().unwrap_or_else(|| "default".to_owned());
        match item.images(&bearers) {
            Ok(images) => {
                objects += 1;
                for found in images {
                    let by = used.entry((found.image, namespace.clone())).or_default();
                    if by.last() != Some(&item.name) {
                        by.push(item.name.clone());
                    }
                }
            }
            Err(e) if e.code == webhook::KIND_UNKNOWN => {}
            Err(e) => broken.push(ImageReport {
                verdict: Verdict::Deny.to_string(),
                image: format!("{} {}", item.kind, item.name),
                namespace,
                reasons: vec![format!("{}: {}", e.code, e.message)],
                used_by: vec![item.name.clone()],
            }),
        }
    }
    if objects == 0 && broken.is_empty() {
        return Err(Failure::usage(codes::USAGE, format!("`{shown}` holds no object that runs an image")));
    }
    let decide = |(key, by): ((String, String), Vec<String>)| {
        let decider = decider.clone();
        async move {
            let answer = decider.image(&key.0, Some(&key.1), deadlines(common.timeout).as_ref()).await;
            (key, by, answer)
        }
    };
    let asked: Vec<_> = used.into_iter().map(decide).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(limits::PARALLEL_FETCHES).collect().await;
    let mut images: Vec<_> = answers.into_iter().map(|(key, by, answer)| report(key, by, &answer)).collect();
    images.extend(broken.into_iter().map(|b| (Worst::Deny, b)));
    images.sort_by_key(|(worst, _)| std::cmp::Reverse(*worst));
    let worst = images.first().map_or(Worst::Deny, |(worst, _)| *worst);
    let names =
        images.iter().filter(|(w, _)| *w == Worst::Deny).flat_map(|(_, i)| i.used_by.iter().map(|n| (&i.namespace, n)));
    let refused = names.collect::<std::collections::BTreeSet<_>>().len();
    let images = images.into_iter().map(|(_, image)| image).collect();
    let (report, exit) = (ScanReport { schema_version: 1, objects, refused, images }, Exit::from(Verdict::from(worst)));
    Ok(match common.format {
        Format::Json => Outcome::json(&report, exit),
        _ => Outcome { stdout: page(&report, common.verbose).into_bytes(), exit, purpose: Purpose::Shown },
    })
}

fn report(
    (image, namespace): (String, String),
    used_by: Vec<String>,
    answer: &Arc<ImageAnswer>,
) -> (Worst, ImageReport) {
    let worst = answer.effect();
    let against = answer.lines.iter().filter_map(|line| {
        let policy = line.policy.as_ref().map_or_else(String::new, |p| format!(" (policy {p})"));
        line.code.map(|code| format!("{}: {code}: {}{policy}", line.effect.name(), line.message))
    });
    let reasons = against.collect();
    (worst, ImageReport { verdict: Verdict::from(worst).to_string(), image, namespace, reasons, used_by })
}

fn page(report: &ScanReport, all: bool) -> String {
    let mut out = String::new();
    let clean = report.images.iter().filter(|i| i.reasons.is_empty()).count();
    let _ = writeln!(
        out,
        "{} of {} would be refused at the next restart; {} of {} are admitted without a word",
        report.refused,
        counted(report.objects, "object"),
        clean,
        counted(report.images.len(), "image"),
    );
    for image in report.images.iter().filter(|i| all || !i.reasons.is_empty()) {
        let more = image.used_by.len().saturating_sub(SHOWN);
        let mut by = image.used_by.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(by, " and {more} more");
        }
        let head = format!("{} {} in {}: {by}", image.verdict.to_uppercase(), image.image, image.namespace);
        let _ = writeln!(out, "{}", sanitize::line(&head));
        for reason in &image.reasons {
            let _ = writeln!(out, "  {}", sanitize::line(reason));
        }
    }
    out
}
