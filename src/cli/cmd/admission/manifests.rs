//! `attest admission manifests`

use crate::cli::exit::{Failure, Outcome, codes};
use crate::model::{Reference, limits};
use crate::places::{self, PlaceError, files};
use crate::policy::{self, Mode};
use crate::webhook::{Failing, Manifests};
use clap::Args;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Write what is applied to a cluster: namespace, policies, Deployment, Service and webhook
///
/// The policies are written with `mode: warn`, and images that no policy speaks about are admitted, so that nothing is refused at first: what would be is told to whoever deploys it, and
/// stands in the API server's audit log. With --enforce they are written as they are. The certificate and key of the webhook come
/// from a Secret `attest-admission-tls` that cert-manager or `kubectl create secret tls` makes.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest admission manifests --image ghcr.io/acme/attest@sha256:DIGEST --policy policy.yaml --ca ca.crt > webhook.yaml
  attest admission manifests --image ghcr.io/acme/attest@sha256:DIGEST --policy policy.yaml --ca ca.crt --enforce | kubectl apply -f -")]
pub(super) struct ManifestsArgs {
    /// The webhook's own image: REPOSITORY@sha256:DIGEST
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// Policy file (repeatable)
    #[arg(long, value_name = "FILE", required = true)]
    policy: Vec<PathBuf>,
    /// PEM file of the authority that signed the webhook's certificate; without it, cert-manager has to put it in
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Namespace of the webhook
    #[arg(long, value_name = "NAME", default_value = "attest-system")]
    namespace: String,
    /// Write the policies as they are, not with `mode: warn`
    #[arg(long)]
    enforce: bool,
    /// Let the webhook put digests beside tags, too
    #[arg(long)]
    pin: bool,
    /// Admit everything while the webhook does not answer
    #[arg(long)]
    ignore_failure: bool,
    /// How many run
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    replicas: u8,
    /// Further arguments of `attest admission serve`
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

pub(super) fn run(args: &ManifestsArgs) -> Result<Outcome, Failure> {
    let usage = |m: String| Failure::usage(codes::USAGE, m);
    let image = Reference::parse(&args.image).map_err(|e| usage(format!("--image: {e}")))?;
    if image.digest().is_none() {
        let message = format!(
            "--image: expected REPOSITORY@sha256:DIGEST, found `{}`: a tag can move to a program that admits everything",
            args.image
        );
        return Err(Failure::usage(codes::DIGEST_REQUIRED, message));
    }
    let dns = |n: &str| {
        !n.is_empty() && n.len() <= 63 && n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !dns(&args.namespace) {
        return Err(usage(format!(
            "--namespace: expected lower-case letters, digits and `-`, found `{}`",
            args.namespace
        )));
    }
    let mut policies = Vec::new();
    for path in &args.policy {
        policies.extend(policy(path, args.enforce)?);
    }
    let ca = args.ca.as_ref().map(|p| text(p)).transpose()?;
    if ca.as_ref().is_some_and(|ca| !ca.contains("-----BEGIN CERTIFICATE-----")) {
        return Err(usage("--ca: expected a certificate in PEM".into()));
    }
    let mut arguments = args.arguments.clone();
    if !args.enforce && !arguments.iter().any(|a| a.starts_with("--unmatched")) {
        arguments.extend(["--unmatched".to_owned(), "warn".to_owned()]);
    }
    let manifests = Manifests {
        image,
        namespace: args.namespace.clone(),
        policies,
        ca,
        pin: args.pin,
        failing: if args.ignore_failure { Failing::Ignore } else { Failing::Fail },
        replicas: usize::from(args.replicas),
        arguments,
    };
    Ok(Outcome::done(manifests.yaml()))
}

fn text(path: &Path) -> Result<String, Failure> {
    let bytes = files::read(path, limits::POLICY_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage(codes::USAGE, format!("`{}` is not UTF-8 text", path.display())))
}

/// A policy's name in the ConfigMap and its text, and those of the keys that it names. What is wrong with a policy is said now, and
/// not by a webhook that denies everything.
fn policy(path: &Path, enforce: bool) -> Result<Vec<(String, String)>, Failure> {
    let original = text(path)?;
    let text = if enforce { original } else { warned(&original) };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let keys = RefCell::new(Vec::new());
    let load = |name: &str| {
        let key = places::public_key(&folder.join(name).to_string_lossy()).map_err(|e| e.to_string())?;
        keys.borrow_mut().push(name.to_owned());
        Ok(key)
    };
    let shown = path.display().to_string();
    let read =
        policy::parse(&text, &shown, &load).map_err(|source| PlaceError::Policy { origin: shown.clone(), source })?;
    if !enforce && read.mode != Mode::Warn {
        let message =
            format!("`{shown}`: `mode: warn` could not be put into it: write it below `spec:`, or pass --enforce");
        return Err(Failure::usage(codes::USAGE, message));
    }
    let mut out = vec![(named(path)?, text)];
    for key in keys.into_inner() {
        out.push((named(Path::new(&key)).and_then(|n| flat(n, &key))?, self::text(&folder.join(&key))?));
    }
    Ok(out)
}

/// The name of a file, as a ConfigMap can have it.
fn named(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !name.is_empty() && name.bytes().all(known) {
        return Ok(name);
    }
    let message =
        format!("`{name}`: the name of a file of a ConfigMap may hold letters, digits, `-`, `_` and `.` alone");
    Err(Failure::usage(codes::USAGE, message))
}

/// That a key lies beside the policy, as it will in the ConfigMap.
fn flat(name: String, key: &str) -> Result<String, Failure> {
    if name == key {
        return Ok(name);
    }
    let message = format!(
        "`{key}`: in a cluster a key lies beside its policy: name it `{name}` there, or write it into the policy"
    );
    Err(Failure::usage(codes::USAGE, message))
}

/// The same policy with `mode: warn`.
fn warned(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let begins = line.trim_end() == "spec:";
        let is_mode = line.trim_start().starts_with("mode:") && line.starts_with(' ');
        if is_mode {
            continue;
        }
        out += line;
        out.push('\n');
        if begins {
            out += "  mode: warn\n";
        }
    }
    out
}
