#![expect(clippy::disallowed_methods, reason = "writes the layouts that the program reads")]
//! The whole of `verify` and of `inspect`, in process, over a layout folder that the input spells out.
//!
//! An input is a list of files, apart by a line `%%`. The first line of each is its name (`index.json`, `oci-layout`,
//! `manifest.json`, `repositories`); whatever has another is a blob under its own digest. `<N>` in a file stands for the
//! digest of the N-th blob before it and `<#N>` for its size, so that a file that was changed is still what others name.

use super::fuzz;
use crate::cli;
use crate::model::oci;
use crate::model::{Bundle, Digest, Envelope, EnvelopeSignature, bundle, envelope};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

const APART: &[u8] = b"\n%%\n";
const NAMES: [&str; 4] = ["index.json", "oci-layout", "manifest.json", "repositories"];
/// Files of one layout.
const FILES: usize = 64;
/// What a command may take: far more than any of these needs.
const TIMEOUT: &str = "5s";

/// A folder with the key that is trusted, and in it the layout of one input after the other.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("key.pub"), fuzz::key().public_key().to_pem()).expect("a key");
    folder
});

/// The image that the trusted key speaks of.
static IMAGE: LazyLock<Digest> = LazyLock::new(|| Digest::sha256(&files(&image()).swap_remove(2).1));

/// Whatever the folder holds, nothing panics, and nothing is allowed but the image that was signed.
pub(super) fn read(bytes: &[u8]) -> bool {
    let files = files(bytes);
    let layout = tempfile::tempdir_in(FOLDER.path()).expect("a folder");
    write(layout.path(), &files);
    let subject = format!("oci:{}", layout.path().display());
    let key = FOLDER.path().join("key.pub").display().to_string();
    let verified = answer(&["verify", &subject, "--key", &key, "--format", "json", "--timeout", TIMEOUT, "--offline"]);
    answer(&["inspect", &subject, "--format", "json", "--timeout", TIMEOUT]);
    let allowed = verified.exit == 0;
    if allowed {
        let decision: Value = serde_json::from_slice(&verified.stdout).expect("a decision is JSON");
        assert_eq!(decision["subjects"][0]["digests"]["sha256"], IMAGE.hex(), "allowed, and not what was signed");
    }
    allowed
}

fn answer(arguments: &[&str]) -> cli::Answer {
    let answer = cli::answer(arguments);
    assert!(answer.exit <= 3 && answer.code != Some("internal"), "{arguments:?}: {answer:?}");
    answer
}

/// The files of an input, by name; blobs have none.
fn files(bytes: &[u8]) -> Vec<(Option<&'static str>, Vec<u8>)> {
    let mut blobs: Vec<(Digest, usize)> = Vec::new();
    let mut out = Vec::new();
    let mut rest = Some(bytes);
    while let Some(left) = rest.filter(|_| out.len() < FILES) {
        let end = left.windows(APART.len()).position(|w| w == APART);
        rest = end.map(|end| &left[end + APART.len()..]);
        let piece = &left[..end.unwrap_or(left.len())];
        let line = piece.split(|b| *b == b'\n').next().unwrap_or_default();
        let name = NAMES.into_iter().find(|n| n.as_bytes() == line);
        let content = piece.get(line.len() + 1..).unwrap_or_default();
        let content = linked(content, &blobs);
        if name.is_none() {
            blobs.push((Digest::sha256(&content), content.len()));
        }
        out.push((name, content));
    }
    out
}

/// With the digests and sizes of the blobs before it.
fn linked(content: &[u8], blobs: &[(Digest, usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut left = content;
    while let Some(at) = left.iter().position(|b| *b == b'<') {
        out.extend_from_slice(&left[..at]);
        let end = left[at..].iter().take(5).position(|b| *b == b'>').map(|end| at + end);
        let inner = end.and_then(|end| std::str::from_utf8(&left[at + 1..end]).ok()).unwrap_or_default();
        let blob = |n: &str| blobs.get(n.parse::<usize>().ok()?);
        let text = match inner.strip_prefix('#') {
            Some(n) => blob(n).map(|(_, size)| size.to_string()),
            None => blob(inner).map(|(digest, _)| digest.to_string()),
        };
        match (text, end) {
            (Some(text), Some(end)) => {
                out.extend_from_slice(text.as_bytes());
                left = &left[end + 1..];
            }
            _ => {
                out.push(b'<');
                left = &left[at + 1..];
            }
        }
    }
    out.extend_from_slice(left);
    out
}

fn write(layout: &Path, files: &[(Option<&'static str>, Vec<u8>)]) {
    let blobs = layout.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a folder");
    for (name, content) in files {
        let path = name.map_or_else(|| blobs.join(Digest::sha256(content).hex()), |name| layout.join(name));
        std::fs::write(path, content).expect("a file");
    }
}

fn piece(name: &str, content: &str) -> String {
    format!("{name}\n{content}\n%%\n")
}

/// Config, layer and manifest of an image.
fn image() -> Vec<u8> {
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{manifest}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"<0>","size":<#0>}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"<1>","size":<#1>}}]}}"#,
        manifest = oci::IMAGE_MANIFEST
    );
    [piece("config", "{}"), piece("layer", "a layer"), piece("image", &manifest)].concat().into_bytes()
}

/// Layouts that are verified: of an image with a bundle beside it, and the same with a list of referrers.
pub(super) fn layouts() -> Vec<Vec<u8>> {
    let statement = String::from_utf8(fuzz::statement().to_bytes()).expect("JSON");
    let payload = statement.replace(fuzz::artifact().digest.hex(), IMAGE.hex()).into_bytes();
    let sig = fuzz::key().sign_bytes(&envelope::pae(envelope::IN_TOTO, &payload)).expect("a signature");
    let signed = Envelope::new(envelope::IN_TOTO, payload, EnvelopeSignature { sig, keyid: "k".into() });
    let bundle = String::from_utf8(Bundle::keyed(signed, fuzz::key().public_key().hint()).to_bytes()).expect("JSON");
    let of = |media_type: &str, n: usize| format!(r#"{{"mediaType":"{media_type}","digest":"<{n}>","size":<#{n}>}}"#);
    let referrer = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","artifactType":"{kind}","config":{},"layers":[{}],"subject":{}}}"#,
        oci::IMAGE_MANIFEST,
        of(oci::EMPTY, 0),
        of(bundle::MEDIA_TYPE, 3),
        of(oci::IMAGE_MANIFEST, 2),
        kind = bundle::MEDIA_TYPE,
    );
    let start = String::from_utf8(image()).expect("text") + &piece("bundle", &bundle) + &piece("referrer", &referrer);
    let index = |entries: &[String]| {
        format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}}"#, oci::IMAGE_INDEX, entries.join(","))
    };
    let layout = piece("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let plain = index(&[of(oci::IMAGE_MANIFEST, 2), of(oci::IMAGE_MANIFEST, 4)]);
    let tag = format!(r#""annotations":{{"org.opencontainers.image.ref.name":"sha256-{}"}}}}"#, IMAGE.hex());
    let listing = piece("listing", &index(&[of(oci::IMAGE_MANIFEST, 4)]));
    let tagged = of(oci::IMAGE_INDEX, 5).replace('}', &format!(",{tag}"));
    let listed = index(&[of(oci::IMAGE_MANIFEST, 2), tagged]);
    [format!("{start}{layout}index.json\n{plain}"), format!("{start}{listing}{layout}index.json\n{listed}")]
        .map(String::into_bytes)
        .to_vec()
}
