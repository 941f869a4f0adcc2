//! `attest generate`

use crate::capture::Explained;
use crate::cli::args::{BuildArgs, Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::sanitize::line;
use crate::cli::{Ui, build, charter};
use crate::model::PredicateUri;
use clap::Args;
use serde_json::Value;
use std::fmt::Write as _;

/// Capture the context of a build into a statement, and print it
///
/// One statement per line: one, or several above 1,024 subjects.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest generate app.tar.gz --agent platform/builder --task task-1
  attest generate --explain                                     what is known here, from where, and what is not
  attest generate 'dist/*' | attest sign - --key attest.key")]
pub struct GenerateArgs {
    /// What the statement is about: files, globs, checksum files, images
    #[arg(value_name = "SUBJECT", required_unless_present = "explain")]
    pub subjects: Vec<String>,
    /// Print for every field its value and source, or why it is absent
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    build: BuildArgs,
}

/// What `attest generate --explain --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Every field of the provenance, present or not.
    pub fields: Vec<ExplainedField>,
}

/// One field and how it came about.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedField {
    /// Path below `predicate.buildDefinition` or `predicate.runDetails`.
    pub field: String,
    /// Its value; absent fields have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The flag, variable, file or git call that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Why it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What two places say differently of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
}

impl From<Explained> for ExplainedField {
    fn from(e: Explained) -> Self {
        Self { field: e.field, value: e.value, source: e.source, reason: e.reason, disagreement: e.disagreement }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &GenerateArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let env = build::environment()?;
    let mut context = build::context(&args.build, &args.subjects, &[], None, &env)?;
    let given = build::given_predicate(&args.build)?;
    if given.is_none() {
        charter::capture(&args.build, false, &mut context, &env, common, ui).await?;
    }
    if args.explain {
        let fields: Vec<ExplainedField> = context.explain().into_iter().map(Into::into).collect();
        return Ok(match common.format {
            Format::Json => Outcome::json(&ExplainReport { schema_version: 1, fields }, Exit::Done),
            _ => Outcome::done(text(&fields)),
        });
    }
    let subjects = build::subjects(&args.subjects, &env, common, None).await?.all();
    if subjects.is_empty() {
        return Err(Failure::usage(codes::USAGE, "there is no subject"));
    }
    let (kind, predicate) = match given {
        Some(given) => given,
        None => (PredicateUri::slsa_provenance(), context.provenance().to_json()),
    };
    let mut out = Vec::new();
    for statement in build::statements(subjects, &kind, &predicate, &build::secrets(&env, &[], &context))? {
        out.extend(statement);
        out.push(b'\n');
    }
    Ok(Outcome::done(out))
}

fn text(fields: &[ExplainedField]) -> String {
    let mut out = String::new();
    for f in fields {
        let value = match &f.value {
            Some(Value::String(s)) => line(s),
            Some(v) => line(&v.to_string()),
            None => "-".to_owned(),
        };
        let why = f
            .source
            .as_deref()
            .map(|s| format!("from {}", line(s)))
            .or_else(|| f.reason.as_deref().map(|r| format!("absent: {}", line(r))));
        let _ = writeln!(out, "{}: {value}", f.field);
        if let Some(why) = why {
            let _ = writeln!(out, "    {why}");
        }
        if let Some(d) = &f.disagreement {
            let _ = writeln!(out, "    disagreement: {}", line(d));
        }
    }
    out
}
