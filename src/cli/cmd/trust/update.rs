//! `attest trust update`

use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::show::sanitize;
use crate::cli::ui::Ui;
use crate::model::limits;
use crate::places::files;
use crate::roots::{CacheError, Http, Instance, TufCache, TufRepository, Updated, cache_folder};
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Whose roots to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum InstanceArg {
    /// Sigstore's public-good instance.
    PublicGood,
    /// GitHub's.
    Github,
    /// Both.
    All,
}

/// Fetch trusted roots from TUF repositories
///
/// What is fetched is verified from the repository's root that is built in, or named with --root, and kept in the
/// user's cache, where `attest verify` finds it. A repository that goes back to an older state is refused. With --root,
/// the trusted root is of a private instance: write it with --output, and verify with --trusted-root.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest trust update
  attest trust update --mirror https://tuf.example.org --root root.json --output private.json")]
pub(super) struct UpdateArgs {
    /// Instance
    #[arg(long, value_enum, default_value = "all", conflicts_with = "root")]
    pub instance: InstanceArg,
    /// Another place of the repository, for one instance or with --root
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// The repository's own root metadata, that is trusted to begin with; needs --mirror and --output
    #[arg(long, value_name = "FILE", requires_all = ["mirror", "output"])]
    pub root: Option<PathBuf>,
    /// File to write the trusted root to, besides the cache; of several instances, one per line
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// What was fetched.
    pub roots: Vec<FetchedRoot>,
}

/// One trusted root.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchedRoot {
    /// The instance, or the URL of a private one's repository.
    pub instance: String,
    /// Version of the repository's root metadata.
    pub root_version: u64,
    /// Version of its targets metadata.
    pub targets_version: u64,
    /// Until when the repository says that this is its newest state.
    pub good_until: String,
    /// The cache that it was kept in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
    /// The file that it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

struct Wanted {
    name: String,
    repository: TufRepository,
    cache: Option<TufCache>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]; of several instances, those that could be had are kept all the same.
pub(super) async fn run(args: &UpdateArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let wanted = wanted(args)?;
    let http = Http::new(common.timeout);
    let (mut fetched, mut failure) = (Vec::new(), None);
    for one in wanted {
        let updated = one.repository.update(&http, one.cache.as_ref(), ui.now).await;
        let updated = updated.map_err(Failure::from).and_then(|u| kept_somewhere(u, args, ui));
        match updated {
            Ok(updated) => fetched.push((one, updated)),
            Err(e) if failure.is_none() => failure = Some(e.context(&one.name)),
            Err(e) => ui.note(&format!("{}: {} ({})", one.name, e.message, e.code)),
        }
    }
    if let Some(failure) = failure {
        for (one, _) in &fetched {
            ui.note(&format!("{}: updated", one.name));
        }
        return Err(failure);
    }
    if let Some(path) = &args.output {
        files::replace(path, output(&fetched).as_bytes())?;
    }
    let output = args.output.as_ref().map(|p| p.display().to_string());
    let report = UpdateReport {
        schema_version: 1,
        roots: fetched.iter().map(|(one, updated)| report(one, updated, output.clone())).collect(),
    };
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::done(text(&report)),
    })
}

fn wanted(args: &UpdateArgs) -> Result<Vec<Wanted>, Failure> {
    let folder = cache_folder();
    let cache = |name: &str| folder.as_deref().map(|f| TufCache::new(f, name));
    if let (Some(url), Some(root)) = (&args.mirror, &args.root) {
        let bytes = files::read(root, limits::ROOT_BYTES)?;
        // Repositories are told apart by where they are; whose root begins them, each fetch says.
        return Ok(vec![Wanted {
            name: url.clone(),
            repository: TufRepository::new(url, bytes),
            cache: cache(&format!("mirror {url}")),
        }]);
    }
    let instances = match args.instance {
        InstanceArg::PublicGood => vec![Instance::PublicGood],
        InstanceArg::Github => vec![Instance::GitHub],
        InstanceArg::All => Instance::ALL.to_vec(),
    };
    if args.mirror.is_some() && instances.len() > 1 {
        let message = "--mirror is the place of one repository: expected --instance or --root to say of which";
        return Err(Failure::usage(codes::USAGE, message));
    }
    let one = |instance: Instance| {
        let repository = TufRepository::of(instance);
        let repository = match &args.mirror {
            Some(url) => repository.mirrored(url),
            None => repository,
        };
        Wanted { name: instance.name().to_owned(), repository, cache: cache(instance.name()) }
    };
    Ok(instances.into_iter().map(one).collect())
}

/// A root that could not be kept is no update, unless a file is asked for.
fn kept_somewhere(updated: Updated, args: &UpdateArgs, ui: &Ui) -> Result<Updated, Failure> {
    match &updated.not_kept {
        None => {}
        Some(why) if args.output.is_some() => {
            ui.note(&format!("a later step back of the repository will go unnoticed: {why}"));
        }
        Some(why) => return Err(Failure::usage(CacheError::code(why), why.to_string())),
    }
    Ok(updated)
}

/// One trusted root as it is, or several, one per line.
fn output(fetched: &[(Wanted, Updated)]) -> String {
    if let [(_, one)] = fetched {
        return one.root.json().to_owned();
    }
    let line = |(_, u): &(Wanted, Updated)| {
        // It was read before, so it is JSON.
        let value = serde_json::from_str::<serde_json::Value>(u.root.json()).unwrap_or_default();
        format!("{value}\n")
    };
    fetched.iter().map(line).collect()
}

fn report(one: &Wanted, updated: &Updated, output: Option<String>) -> FetchedRoot {
    let kept = one.cache.as_ref().filter(|_| updated.not_kept.is_none());
    FetchedRoot {
        instance: one.name.clone(),
        root_version: updated.root_version,
        targets_version: updated.targets_version,
        good_until: updated.good_until.clone(),
        kept_in: kept.map(|c| c.path().display().to_string()),
        output,
    }
}

fn text(report: &UpdateReport) -> String {
    let mut out = String::new();
    for root in &report.roots {
        let _ = writeln!(
            out,
            "{}: version {} of the trusted root, of repository root {}; newest until {}",
            sanitize::line(&root.instance),
            root.targets_version,
            root.root_version,
            sanitize::line(&root.good_until)
        );
        for place in root.kept_in.iter().chain(&root.output) {
            let _ = writeln!(out, "  written to {}", sanitize::line(place));
        }
    }
    out
}
