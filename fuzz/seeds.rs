//! Writes what each target starts from: `seeds FOLDER [VECTORS]` makes FOLDER/TARGET/*, from the readers' own good input
//! and, where a folder of other projects' bundles and trusted roots is given, from those.

use attest::testing::fuzz::READERS;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().expect("usage: seeds FOLDER [VECTORS]");
    for reader in READERS {
        for seed in (reader.seeds)() {
            write(&folder, reader.name, &seed);
        }
    }
    if let Some(vectors) = arguments.next() {
        walk(&vectors, &mut |path, bytes| vector(&folder, path, bytes));
    }
}

fn walk(folder: &Path, each: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).expect("a folder of vectors").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, each);
        } else if path.extension() == Some(OsStr::new("json")) {
            each(&path, &fs::read(&path).expect("a vector"));
        }
    }
}

/// One vector as it is, and the parts of it that have a reader of their own.
fn vector(folder: &Path, path: &Path, bytes: &[u8]) {
    let text = path.to_string_lossy();
    if text.ends_with("trusted_root.json") || text.contains("trusted-roots") {
        return write(folder, "trusted_root", bytes);
    }
    if !text.contains("bundle") {
        return;
    }
    for target in ["bundle", "evidence", "keyless"] {
        write(folder, target, bytes);
    }
    let Ok(bundle) = serde_json::from_slice::<Value>(bytes) else { return };
    let envelope = &bundle["dsseEnvelope"];
    if envelope.is_object() {
        write(folder, "envelope", envelope.to_string().as_bytes());
    }
    let material = &bundle["verificationMaterial"];
    let chain = material["x509CertificateChain"]["certificates"].as_array();
    let certificates = chain.into_iter().flatten().chain([&material["certificate"]]).map(|c| ("certificate", &c["rawBytes"]));
    for (target, encoded) in certificates.chain([("statement", &envelope["payload"])]) {
        if let Some(decoded) = encoded.as_str().and_then(|e| STANDARD.decode(e).ok()) {
            write(folder, target, &decoded);
        }
    }
}

fn write(folder: &Path, target: &str, seed: &[u8]) {
    let mut name = DefaultHasher::new();
    seed.hash(&mut name);
    let folder = folder.join(target);
    fs::create_dir_all(&folder).expect("a folder for seeds");
    fs::write(folder.join(format!("{:016x}", name.finish())), seed).expect("a seed");
}
