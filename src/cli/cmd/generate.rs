//! `attest generate`

use crate::capture::Explained;
use crate::capture::{Open, capture};
use crate::cli::args::{BuildArgs, Common, Format};
use crate::cli::args::{build, charter, signing};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::show::sanitize::{json, line};
use crate::cli::ui::Ui;
use crate::flow::create::{secrets, statement_bytes, tell_missing};
use crate::model::PredicateUri;
use crate::places;
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Capture the context of a build into a statement, and print it
///
/// One statement per line: one, or several above 1,024 subjects.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest generate app.tar.gz --agent platform/builder --task task-1
  attest generate --explain                                     what is known here, from where, and what is not
  attest generate app --identity-token ambient | attest sign -
  attest generate 'dist/*' | attest sign - --key attest.key")]
pub struct GenerateArgs {
    /// What the statement is about: files, globs, checksum files, images
    #[arg(value_name = "SUBJECT", required_unless_present_any = ["explain", "list"])]
    pub subjects: Vec<String>,
    /// File of further subjects, one per line, or as sha256sum writes them; - is standard input
    #[arg(id = "list", long = "subjects", value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Print for every field its value and source, or why it is absent
    #[arg(long)]
    pub explain: bool,
    /// Say what the certificate of this identity token will say: a file, env:VARIABLE, or `ambient` for what the CI
    /// system gives; for statements that it will sign
    #[arg(long, value_name = "REF")]
    pub identity_token: Option<String>,
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
    pub fields: Vec<Explained>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &GenerateArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let env = places::environment()?;
    let request = build::request(&args.build, &args.subjects, &[], None);
    let mut context = capture(&request, &env, &build::local(common))?;
    context.captured_at(ui.now);
    let given = build::given_predicate(&args.build, &env)?;
    if given.is_none() {
        charter::capture(&args.build, false, &mut context, &env, common, ui).await?;
    }
    if let Some(reference) = &args.identity_token {
        context.signed_by(&signing::identity(reference, common).await?);
    }
    if args.explain {
        let fields = context.explain();
        return Ok(match common.format {
            Format::Json => Outcome::json(&ExplainReport { schema_version: 1, fields }, Exit::Done),
            _ => Outcome::done(text(&fields)),
        });
    }
    let subjects = build::subjects(&args.subjects, args.list.as_deref(), &env, common, None, ui).await?.all();
    if subjects.is_empty() {
        return Err(Failure::usage(codes::USAGE, "there is no subject"));
    }
    context.doubts().iter().for_each(|text| ui.note(text));
    if given.is_none() {
        tell_missing(&context.missing(Open::default()), &|text| ui.note(text));
        context.demanded(Open::default())?;
    }
    let (kind, predicate) = match given {
        Some(given) => given,
        None => (PredicateUri::slsa_provenance(), context.predicate(Map::new()).into()),
    };
    let secrets = secrets(&env, &[], &context, &|text| ui.note(text));
    drop(context);
    let statements = statement_bytes(subjects, &kind, predicate, &secrets)?;
    let mut out = Vec::new();
    for statement in statements {
        // A terminal and a runner must not obey what a commit message or a file's name says.
        let mut text = json(&String::from_utf8_lossy(&statement)).into_bytes();
        drop(statement);
        text.push(b'\n');
        if out.is_empty() { out = text } else { out.append(&mut text) }
    }
    Ok(Outcome::done(out))
}

fn text(fields: &[Explained]) -> String {
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
        if let Some(raise) = &f.raised_by {
            let _ = writeln!(out, "    declared; {}", line(raise));
        }
        if let Some(d) = &f.disagreement {
            let _ = writeln!(out, "    disagreement: {}", line(d));
        }
    }
    out
}
