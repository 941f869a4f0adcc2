//! The doors: which files may do I/O, and which may know a foreign crate.

use crate::assert_none;
use crate::source::{File, code, sources};

/// Where a back-end file may lie: a prefix of its path. `mod.rs` of a seam holds the trait and is no back end.
const BACK_ENDS: &[&str] = &[
    "src/regular.rs",
    "src/registry/",
    "src/sign/",
    "src/capture/",
    "src/evidence/",
    "src/roots/",
    "src/net/",
    "src/audit/store/",
    "src/audit/anchor/folder.rs",
    "src/audit/anchor/tests.rs",
    "src/audit/disk/",
    "src/audit/keys/folder.rs",
    "src/audit/index/query.rs",
    "src/audit/index/sqlite.rs",
    "src/programs/",
    "src/places/",
    "src/outbox/",
    "src/action/",
    "src/server/",
    "src/audit/replica/folder/",
    "src/audit/replica/s3/bucket.rs",
    "src/audit/replica/s3/tests.rs",
    "src/audit/replica/crash_tests.rs",
    "src/audit/replica/tests.rs",
    "src/audit/witness/folder.rs",
    "src/audit/witness/tests.rs",
    "src/webhook/server.rs",
    "src/testing/",
];

/// Foreign crates that only their adapter files know, so that a change there is a change of one file.
const ADAPTERS: &[(&str, &[&str])] = &[
    (
        "sigstore_",
        &[
            "src/trust/certificate_authority.rs",
            "src/trust/root.rs",
            "src/trust/verifiers.rs",
            "src/verify/sigstore.rs",
            "src/verify/authorities.rs",
            "src/sign/sigstore/keyless.rs",
            "src/sign/sigstore/rekor.rs",
            "src/sign/sigstore/timestamp.rs",
            "src/roots/tuf.rs",
        ],
    ),
    ("jiff", &["src/trust/root.rs", "src/verify/sigstore.rs", "src/roots/tuf.rs"]),
    ("cms", &["src/trust/timestamp.rs"]),
    (
        "x509_cert",
        &[
            "src/trust/certificate_authority.rs",
            "src/trust/timestamp.rs",
            "src/verify/certificate.rs",
            "src/roots/init.rs",
            "src/net/named.rs",
            "src/webhook/certificate.rs",
            "src/testing/",
        ],
    ),
    ("oci_client", &["src/registry/oci_http"]),
    ("docker_credential", &["src/registry/oci_http"]),
    (
        "reqwest",
        &[
            "src/net/",
            "src/registry/",
            "src/roots/http.rs",
            "src/sign/sigstore/service.rs",
            "src/sign/sigstore/url.rs",
            "src/charter/http.rs",
            "src/audit/anchor/http.rs",
            "src/audit/replica/s3/",
            "src/action/github.rs",
            "src/testing/",
        ],
    ),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("toml_parser", &["src/capture/input/lockfiles/toml.rs"]),
    ("hyper", &["src/server/http.rs", "src/webhook/server.rs"]),
    ("http_body_util", &["src/server/http.rs", "src/webhook/server.rs"]),
    ("tokio_rustls", &["src/webhook/server.rs", "src/audit/replica/postgres/tls.rs"]),
    ("tokio_postgres", &["src/audit/replica/postgres/"]),
    ("roxmltree", &["src/audit/replica/s3/answer.rs"]),
    ("prometheus_client", &["src/webhook/metrics.rs"]),
    ("axum", &["src/testing/"]),
    (
        "rusqlite",
        &[
            "src/audit/index/follow.rs",
            "src/audit/index/query.rs",
            "src/audit/index/sqlite.rs",
            "src/audit/index/value.rs",
        ],
    ),
    ("zstd", &["src/audit/content.rs"]),
    (
        "tempfile",
        &[
            "src/testing/",
            "src/sign/exec_tests.rs",
            "src/audit/store/tests.rs",
            "src/audit/disk/crash_tests.rs",
            "src/audit/anchor/tests.rs",
            "src/audit/witness/tests.rs",
            "src/audit/replica/tests.rs",
            "src/audit/replica/crash_tests.rs",
            "src/audit/replica/s3/tests.rs",
            "src/server/tests.rs",
        ],
    ),
    (
        "aws_lc_rs",
        &[
            "src/sign/",
            "src/trust/",
            "src/verify/",
            "src/tlog/",
            "src/audit/",
            "src/capture/",
            "src/testing/",
            "src/places/",
        ],
    ),
];

/// The lint that a back-end file lifts.
const LINT: &str = "clippy::disallowed_methods";

/// What one file does about I/O that it must not.
fn door_violations(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let mut found = Vec::new();
    for (at, _) in code.match_indices(LINT) {
        let start = code[..at].rfind('#').unwrap_or(at);
        let place = format!("{}:{}", file.path, code[..start].lines().count().max(1));
        if !code[start..].starts_with("#![expect(") {
            found.push(format!(
                "{place}: a back-end file says so once, for the whole file, with `#![expect({LINT}, …)]`"
            ));
        } else if !only_attributes(&code[..start]) {
            found.push(format!("{place}: the door stands before all items of the file"));
        }
        let is_seam = file.path.ends_with("/mod.rs") && file.path.matches('/').count() == 2;
        if !BACK_ENDS.iter().any(|place| file.path.starts_with(place)) || is_seam {
            found.push(format!(
                "{place}: I/O, clock, environment and randomness are for back-end files; take them as arguments"
            ));
        }
    }
    found
}

/// Whether there is nothing but inner attributes.
fn only_attributes(code: &str) -> bool {
    let rest = code.trim_start();
    rest.is_empty()
        || rest
            .strip_prefix("#![")
            .and_then(|inner| inner.split_once(']'))
            .is_some_and(|(_, after)| only_attributes(after))
}

/// Foreign crates that one file knows and must not.
fn adapter_violations(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let mut found = Vec::new();
    for (name, places) in ADAPTERS {
        let known = code.match_indices(name).any(|(at, _)| {
            let alone = !code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            let rest = code[at + name.len()..]
                .trim_start_matches(|c: char| name.ends_with('_') && (c.is_alphanumeric() || c == '_'));
            alone && (rest.starts_with("::") || (code[..at].ends_with("use ") && rest.starts_with([';', ' '])))
        });
        if known && !places.iter().any(|place| file.path.starts_with(place)) {
            found.push(format!("{}: `{name}` is known only in {}", file.path, places.join(", ")));
        }
    }
    found
}

#[test]
fn input_and_output_are_in_back_end_files() {
    assert_none(&sources().iter().flat_map(door_violations).collect::<Vec<_>>());
}

#[test]
fn foreign_crates_are_known_in_their_adapters() {
    assert_none(&sources().iter().flat_map(adapter_violations).collect::<Vec<_>>());
}

/// Words of the sigstore library that switch one of its checks off.
const SWITCHES: &[&str] =
    &["any_identity", "skip_tlog_unsafe", "skip_sct", "skip_certificate_chain", "CertificatePolicy"];

/// The one file that may say them.
const SWITCHBOARD: &str = "src/verify/sigstore.rs";

fn switch_violations(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let said = SWITCHES.iter().filter(|word| code.contains(**word));
    match file.path.as_str() {
        SWITCHBOARD => Vec::new(),
        path => said.map(|word| format!("{path}: `{word}` switches a check off; only {SWITCHBOARD} may")).collect(),
    }
}

#[test]
fn checks_are_switched_off_in_one_file() {
    assert_none(&sources().iter().flat_map(switch_violations).collect::<Vec<_>>());
    // A whole chain is never left unchecked, not even there.
    let here = crate::source::read(SWITCHBOARD);
    assert!(!code(&here.text).contains("skip_certificate_chain"));
    assert!(code(&here.text).contains("any_identity"), "the list of words is that of another library");
    let planted = File::new("src/flow/check.rs", "let p = VerificationPolicy::any_identity().skip_sct();");
    assert_eq!(switch_violations(&planted).len(), 2);
}

/// The one file that builds an HTTP client: every rule about addresses, redirects, certificates and proxies is there.
const CLIENT: &str = "src/net/client.rs";

/// Names of `reqwest` by which a request leaves without it.
const CLIENTS: &[&str] = &["Client", "ClientBuilder", "blocking", "get", "redirect", "Proxy"];

fn client_violations(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let names = code.match_indices("reqwest::").flat_map(|(at, path)| {
        let rest = &code[at + path.len()..];
        let group = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or(group),
            None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(rest),
        };
        group.split(|c: char| !c.is_alphanumeric() && c != '_')
    });
    let found = names.filter(|name| CLIENTS.contains(name) && file.path != CLIENT);
    found.map(|name| format!("{}: `reqwest::{name}` asks past {CLIENT}, the only HTTP client", file.path)).collect()
}

#[test]
fn only_net_builds_an_http_client() {
    let files = sources();
    assert_none(&files.iter().flat_map(client_violations).collect::<Vec<_>>());
    let here = files.iter().find(|file| file.path == CLIENT).expect("the client");
    assert!(!client_violations(&File::new("src/registry/x.rs", &here.text)).is_empty(), "it is built of other names");
    for planted in [
        "use reqwest::{Client, Url};",
        "use reqwest::{\n    ClientBuilder,\n};",
        "let c = reqwest::Client::new();",
        "reqwest::get(url).await?",
        "use reqwest::redirect;",
    ] {
        assert_eq!(client_violations(&File::new("src/sign/sigstore/service.rs", planted)).len(), 1, "{planted}");
    }
    let clean = "use reqwest::{Method, Url};\nuse reqwest::header::{ACCEPT, HeaderMap};\nself.get(url)";
    assert_none(&client_violations(&File::new("src/sign/sigstore/service.rs", clean)));
}

#[test]
fn planted_doors_are_caught() {
    let door = "#![expect(clippy::disallowed_methods, reason = \"reads files\")]\n";
    let caught = |path: &str, text: &str, why: &str| {
        let found = door_violations(&File::new(path, text));
        assert!(found.iter().any(|violation| violation.contains(why)), "{path}: {text}: {found:?}");
    };
    caught("src/verify/signature.rs", door, "take them as arguments");
    caught("src/flow/check.rs", door, "take them as arguments");
    caught("src/sign/mod.rs", door, "take them as arguments");
    caught("src/audit/query.rs", door, "take them as arguments");
    caught("src/cli/mod.rs", door, "take them as arguments");
    caught("src/cli/cmd/verify.rs", door, "take them as arguments");
    caught("src/sign/file.rs", &door.replace("#![expect", "#![allow"), "once, for the whole file");
    caught("src/sign/file.rs", &format!("{}fn f() {{}}", door.replace("#![", "#[")), "once, for the whole file");
    caught("src/sign/file.rs", &format!("use a::b;\n{door}"), "before all items");
    let broken = "#![expect(\n    clippy::disallowed_methods,\n    reason = \"long\"\n)]\n";
    assert_none(&door_violations(&File::new("src/sign/file.rs", broken)));
    caught("src/sign/file.rs", &format!("use a::b;\n{broken}"), "before all items");
    for path in ["src/sign/file.rs", "src/places/files.rs", "src/audit/store/fs.rs"] {
        assert_none(&door_violations(&File::new(path, &format!("//! Reads files.\n{door}use a::b;\n"))));
    }
}

#[test]
fn planted_imports_are_caught() {
    let caught = |path: &str, text: &str| {
        assert_eq!(adapter_violations(&File::new(path, text)).len(), 1, "{path}: {text}");
    };
    caught("src/verify/mod.rs", "use sigstore_verify::Verifier;");
    caught("src/policy/mod.rs", "fn f(_: reqwest::Client) {}");
    caught("src/registry/layout.rs", "use oci_client::Reference;");
    caught("src/flow/publish.rs", "use clap;");
    for (path, text) in [
        ("src/verify/sigstore.rs", "use sigstore_verify::Verifier;"),
        ("src/registry/oci_http/blob.rs", "use oci_client::Reference;"),
        (
            "src/verify/mod.rs",
            "// like oci_client::Reference\nlet s = \"reqwest::Client\"; let my_reqwest = a::reqwest::b;",
        ),
    ] {
        assert_none(&adapter_violations(&File::new(path, text)));
    }
}
