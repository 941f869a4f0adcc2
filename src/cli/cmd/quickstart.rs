//! `attest quickstart`

use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::show::played::Played;
use crate::model::code::codes;
use crate::model::oci::{EMPTY, IMAGE_MANIFEST};
use crate::model::{Descriptor, limits};
use crate::places::{self, Trial};
use crate::registry::{OciLayout, Registry as _};
use clap::Args;
use serde_json::json;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Try the whole route on this checkout: no server, no account, no network
///
/// Makes an image layout of a file of this folder (of one that it makes, where there are not two to choose from) in a temporary folder, makes a key, attests the layout with this
/// checkout's real commit and lock files, verifies and inspects it, and shows three refusals. Each command is printed
/// before it is run. The checkout and the user's audit log stay as they are.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest quickstart
  attest quickstart --keep        leaves the temporary folder, to play with")]
pub struct QuickstartArgs {
    /// Keep the temporary folder
    #[arg(long)]
    pub keep: bool,
}

codes! {
    /// Codes of this command.
    pub CODES;
    pub NOT_AS_EXPECTED = "quickstart-failed", [Operator],
        "a step of `attest quickstart` did not end as it must",
        "this is a fault of attest or of its installation: report it with the message";
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] when a step ends otherwise than it must.
pub async fn run(args: &QuickstartArgs, _common: &Common) -> Result<Outcome, Failure> {
    let failed =
        |what: &str, e: &dyn std::fmt::Display| Failure::unknown(codes::FILE_UNWRITABLE, format!("{what}: {e}"));
    let trial = Trial::new(places::environment()?.working_dir).map_err(|e| failed("the temporary folder", &e))?;
    let tour = Tour { trial, password: password()?, played: Played::new() };
    let result = tour.all().await;
    if args.keep {
        tour.played.say(&format!("\nkept: {}", tour.trial.folder.display()));
    } else {
        tour.trial.remove().map_err(|e| failed("removing the temporary folder", &e))?;
    }
    result?;
    Ok(Outcome::done("\nDone: what was signed here verified; three things that were not were refused.\n"))
}

struct Tour {
    trial: Trial,
    password: String,
    played: Played,
}

impl Tour {
    async fn all(&self) -> Result<(), Failure> {
        let (first, second) = self.two_files()?;
        self.played.say(&format!(
            "1. An image to attest: an OCI layout in {}, its layer is {}",
            self.trial.folder.display(),
            first.display()
        ));
        self.layout("image", &first).await?;

        self.played.say("\n2. A key. The password would come from a prompt or a secret store.");
        self.step(&["keygen", "--output-key-prefix", "demo"], 0, "private key")?;

        self.played.say("\n3. Capture this checkout's context, sign it, attach it to the image.");
        let create = ["create", "oci:image", "--key", "demo.key", "--agent", "quickstart/you", "--task", "try-attest"];
        self.step(&create, 0, "attached")?;

        self.played.say("\n4. Verify: only what the key signed about exactly this image counts.");
        let verify = ["verify", "oci:image", "--key", "demo.pub", "--agent", "quickstart/*"];
        self.step(&verify, 0, "ALLOW oci:")?;
        self.step(&["inspect", "oci:image"], 0, "(unverified)")?;

        self.played.say("\n5. Refused: one byte of the layer was changed.");
        let layer = self.layout("changed-layer", &first).await?;
        self.step(&["download", "oci:image", "--output", "bundle.jsonl"], 0, "")?;
        flip(&blob(&self.trial.folder.join("changed-layer"), &layer), |bytes| bytes.len() / 2)?;
        let verify =
            |what: &'static str, bundle: &'static str| ["verify", what, "--bundle", bundle, "--key", "demo.pub"];
        self.step(&verify("oci:changed-layer", "bundle.jsonl"), 1, "digest-mismatch")?;

        self.played.say("\n6. Refused: one byte of the signed envelope was changed.");
        let bundle = self.read("bundle.jsonl")?;
        self.write("changed-envelope.jsonl", &bundle)?;
        let payload = |bytes: &[u8]| {
            let key = b"\"payload\":\"";
            bytes.windows(key.len()).position(|w| w == key).map_or(0, |at| at + key.len() + 40)
        };
        flip(&self.trial.folder.join("changed-envelope.jsonl"), payload)?;
        self.step(&verify("oci:image", "changed-envelope.jsonl"), 1, "signature-invalid")?;

        self.played.say(&format!(
            "\n7. Refused: the same attestation for another image, whose layer is {}.",
            second.display()
        ));
        self.layout("other", &second).await?;
        self.step(&verify("oci:other", "bundle.jsonl"), 1, "subject-mismatch")
    }

    /// Prints a command, runs this program with it in the checkout, and compares how it ends.
    fn step(&self, args: &[&str], exit: i32, word: &str) -> Result<(), Failure> {
        let place = |a: &str| match a {
            "demo" | "demo.key" | "demo.pub" | "bundle.jsonl" | "changed-envelope.jsonl" => {
                self.trial.folder.join(a).display().to_string()
            }
            _ => a
                .strip_prefix("oci:")
                .map_or_else(|| a.to_owned(), |p| format!("oci:{}", self.trial.folder.join(p).display())),
        };
        let args: Vec<_> = args.iter().map(|a| place(a)).collect();
        let quoted: Vec<_> = args.iter().map(|a| if a.contains('*') { format!("'{a}'") } else { a.clone() }).collect();
        self.played.command(&format!("attest {}", quoted.join(" ")));
        let failed = |why: String| Failure::unknown(NOT_AS_EXPECTED, format!("`attest {}` {why}", args.join(" ")));
        let output = self.trial.run(&args, &[("ATTEST_PASSWORD", &self.password)]);
        let output = output.map_err(|e| failed(format!("could not be started: {e}")))?;
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        self.played.output(&text);
        let code = output.status.code();
        if code != Some(exit) {
            return Err(failed(format!("ended with {code:?}, expected {exit}")));
        }
        if exit != 0 {
            self.played.output(&format!("(exit code {exit})"));
        }
        if text.contains(word) { Ok(()) } else { Err(failed(format!("did not say `{word}`"))) }
    }

    /// Makes a layout whose one image has one layer, a file; returns the layer.
    async fn layout(&self, name: &str, file: &Path) -> Result<Descriptor, Failure> {
        let bytes = crate::capture::input::files::read(&self.trial.here.join(file), limits::PREDICATE_BYTES)?;
        let layout = OciLayout::create(&self.trial.folder.join(name))?;
        let layer = Descriptor::of("application/octet-stream", &bytes);
        let config = Descriptor::of(EMPTY, b"{}");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "artifactType": "application/vnd.agent-attest.quickstart",
            "config": config.to_json(),
            "layers": [layer.to_json()],
        });
        let manifest = manifest.to_string().into_bytes();
        let descriptor = Descriptor::of(IMAGE_MANIFEST, &manifest);
        layout.push_blob(&config.digest, b"{}").await?;
        layout.push_blob(&layer.digest, &bytes).await?;
        layout.push_manifest(&descriptor, &manifest).await?;
        layout.tag("latest", &descriptor)?;
        Ok(layer)
    }

    /// Two files of this folder, or two that are made for it.
    fn two_files(&self) -> Result<(PathBuf, PathBuf), Failure> {
        if let Some(both) = two_files(&self.trial.here)? {
            return Ok(both);
        }
        self.write("first.txt", b"the first of two files\n")?;
        self.write("second.txt", b"another file\n")?;
        Ok((self.trial.folder.join("first.txt"), self.trial.folder.join("second.txt")))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        Ok(places::files::read(&self.trial.folder.join(name), limits::BUNDLE_BYTES)?)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        Ok(places::files::replace(&self.trial.folder.join(name), bytes)?)
    }
}

/// Two different, not empty files of a folder's top level, where there are such.
fn two_files(folder: &Path) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    let shown = |name: &OsStr| name.to_str().is_some_and(|n| !n.starts_with('.'));
    let names = places::files::list(folder, limits::INPUT_SUBJECTS, shown)?;
    let mut found: Vec<(PathBuf, u64)> = names
        .into_iter()
        .filter_map(|p| {
            let size = places::files::size(&p)?;
            let fits = size > 0 && size < limits::PREDICATE_BYTES as u64;
            fits.then(|| (PathBuf::from(p.file_name().unwrap_or_default()), size))
        })
        .collect();
    // What a reader knows best comes first.
    found.sort_by_key(|(p, _)| !p.to_string_lossy().starts_with("README"));
    let mut open = found.iter().filter(|(path, _)| !is_key(&folder.join(path)));
    let first = open.next();
    Ok(match (first, open.find(|(_, size)| Some(*size) != first.map(|f| f.1))) {
        (Some((a, _)), Some((b, _))) => Some((a.clone(), b.clone())),
        _ => None,
    })
}

/// Whether a file is a private key: keys lie beside what they sign, and are not copied about.
fn is_key(path: &Path) -> bool {
    const MARK: &[u8] = b"PRIVATE KEY-----";
    let read = places::files::read(path, limits::PREDICATE_BYTES);
    read.is_ok_and(|bytes| bytes.windows(MARK.len()).any(|part| part == MARK))
}

fn blob(layout: &Path, layer: &Descriptor) -> PathBuf {
    layout.join("blobs").join("sha256").join(layer.digest.hex())
}

/// Changes one byte of a file to another printable one.
fn flip(path: &Path, position: impl Fn(&[u8]) -> usize) -> Result<(), Failure> {
    let mut bytes = places::files::read(path, limits::BUNDLE_BYTES)?;
    let at = position(&bytes);
    if let Some(b) = bytes.get_mut(at) {
        *b = if *b == b'A' { b'B' } else { b'A' };
    }
    Ok(places::files::replace(path, &bytes)?)
}

/// A password that nobody needs to know.
fn password() -> Result<String, Failure> {
    places::random_text().ok_or_else(|| Failure::unknown(NOT_AS_EXPECTED, "the system gave no random bytes"))
}
