//! What must stop a signature, and what must not.

use super::{Allowed, FoundSecret, Search, Secret};
use crate::capture::{CaptureError, Environment, secrets};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

fn find_secret(statement: &Value, secrets: &[Secret]) -> Result<(), FoundSecret> {
    super::find_secret(statement, &secrets.to_vec().into())
}

/// Of no known form, with characters that every encoding treats in its own way.
const VALUE: &str = "s3cr3t?/>+\"~value";
const PEM: &str =
    "-----BEGIN X-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASC\nAUAwggE8AgEAAkEAq7BFUpkGp3qQmw5C\n-----END X-----";

fn hex(text: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

/// In groups of five bits, from the text of all bits.
fn base32(text: &str) -> String {
    let bits: String = text.bytes().map(|b| format!("{b:08b}")).collect();
    let whole = &bits.as_bytes()[..bits.len() / 5 * 5];
    let group = |five: &[u8]| usize::from_str_radix(std::str::from_utf8(five).unwrap(), 2).unwrap();
    whole.chunks(5).map(|five| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[group(five)])).collect()
}

/// A token put together here, so that no scanner of this repository finds one in it.
fn token(beginning: &str, length: usize) -> String {
    beginning.to_owned() + &"aB3dE6gH9j".repeat(10)[..length]
}

#[test]
fn every_way_to_write_a_value_is_found() {
    let secrets = [Secret::new("DEPLOY_TOKEN", VALUE), Secret::new("PIN", "1234"), Secret::new("KEY", PEM)];
    let pair = format!("deploy:{VALUE}");
    let percent: String = VALUE.bytes().map(|b| format!("%{b:02X}")).collect();
    let uni: String = VALUE.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let (first, second) = VALUE.split_at(6);
    let reversed: Vec<_> = PEM.lines().rev().collect();
    let all = [
        ("plain", VALUE.to_owned()),
        ("command line", format!("--token={VALUE}")),
        ("another case", VALUE.to_uppercase()),
        ("base64", STANDARD.encode(VALUE)),
        ("base64, URL-safe", URL_SAFE.encode(VALUE)),
        ("base64 without padding", URL_SAFE_NO_PAD.encode(VALUE)),
        ("base64 of a pair", format!("Basic {}", STANDARD.encode(&pair))),
        ("base64 of a pair, URL-safe", URL_SAFE.encode(&pair)),
        ("base64 one byte on", STANDARD.encode(format!("x{VALUE}yz"))),
        ("base64 two bytes on", URL_SAFE.encode(format!("xy{VALUE}z"))),
        ("hex", hex(VALUE)),
        ("hex in capitals", hex(VALUE).to_uppercase()),
        ("percent", percent.clone()),
        ("percent, lower case", percent.to_lowercase()),
        ("percent in part", VALUE.replace('/', "%2F").replace('"', "%22")),
        ("percent of base64", STANDARD.encode(VALUE).replace('/', "%2F").replace('+', "%2B").replace('=', "%3D")),
        ("percent twice", percent.replace('%', "%25")),
        (
            "percent twice of base64",
            STANDARD.encode(VALUE).replace('=', "%253D").replace('+', "%252B").replace('/', "%252F"),
        ),
        ("base64 twice", STANDARD.encode(STANDARD.encode(VALUE))),
        ("base64 twice, of a pair", URL_SAFE.encode(format!("x{}", STANDARD.encode(&pair)))),
        ("base32", base32(VALUE)),
        ("base32 of a pair, lower case", base32(&pair).to_lowercase()),
        ("JSON", serde_json::to_string(VALUE).unwrap()),
        ("JSON, by number", uni),
        ("JSON in JSON", json!(json!({ "t": VALUE }).to_string()).to_string()),
        ("two lines", format!("see {first}\n  {second}")),
        ("two lines of the other kind", format!("see {first}\r\n{second}")),
        (
            "base64 in two lines",
            STANDARD.encode(VALUE).chars().map(|c| if c == 'M' { "\nM".into() } else { c.to_string() }).collect(),
        ),
        ("other line breaks", PEM.replace('\n', "\r\n")),
        ("reversed line breaks", PEM.replace('\n', "\n\r")),
        ("reversed lines", reversed.join("\n")),
        ("no line breaks", PEM.replace('\n', "")),
        ("one line of it", PEM.lines().nth(2).unwrap().to_owned()),
    ];
    for (what, text) in &all {
        for statement in [json!({ "a": [{ "b": text }] }), json!({ "a": [{ text.as_str(): 1 }] })] {
            let e = find_secret(&statement, &secrets).expect_err(what);
            let FoundSecret::Value { path, name } = &e else { panic!("{what}: {e}") };
            assert!(path.starts_with("statement.a[0]"), "{what}: {path}");
            assert!(name == "DEPLOY_TOKEN" || name == "KEY", "{what}: {name}");
            let shown = format!("{e} {e:?} {secrets:?}");
            assert!(!shown.contains("s3cr3t") && !shown.contains("MIIB") && !shown.contains(text.as_str()), "{what}");
        }
        assert_eq!(find_secret(&json!(text), &[]), Ok(()), "{what}: the twin, where it is nobody's secret");
    }
    let whole = |v: Value| find_secret(&json!({ "a": v }), &secrets).is_err();
    assert!(whole(json!("1234")) && whole(json!(1234)));
    assert!(!whole(json!("12345")) && !whole(json!(51234)));
}

#[test]
fn well_known_forms_are_found_without_their_value() {
    let github = token("ghp_", 36);
    let jwt = format!("{}.{}.{}", token("eyJ", 20), token("eyJ", 40), token("", 43));
    let key = |label: &str| format!("-----BEGIN {label} KEY-----\nMIIB\n-----END {label} KEY-----");
    let pem = key("PRIVATE");
    for (text, kind) in [
        (github.clone(), "a GitHub token"),
        (github.to_uppercase(), "a GitHub token"),
        (format!("T: fix\n\nsee {}\n{}", &github[..20], &github[20..]), "a GitHub token"),
        (STANDARD.encode(format!("x-access-token:{github}")), "a GitHub token"),
        (format!("\"a\\n{github}\""), "a GitHub token"),
        (STANDARD.encode(STANDARD.encode(format!("x-access-token:{github}"))), "a GitHub token"),
        (
            format!("pkg:generic/a?download_url={}", "https%253A%252F%252Fbot%253Ahunter2%2540h.example%252Fa"),
            "a URL with a password",
        ),
        (token("github_pat_", 59), "a GitHub token"),
        (token("ghs_", 36), "a GitHub token"),
        (token("glpat-", 20), "a GitLab token"),
        (token("GLPAT-", 20), "a GitLab token"),
        (token("AKIA", 0) + "IOSFODNN7EXAMPL2", "an AWS access key"),
        (token("ASIA", 0) + "IOSFODNN7EXAMPL2", "an AWS access key"),
        (token("xoxb-123456789012-", 24), "a Slack token"),
        (token("https://hooks.slack.com/services/T0/B0/", 24), "a Slack webhook"),
        (token("npm_", 36), "an npm token"),
        (token("sk-ant-api03-", 40), "an Anthropic key"),
        (jwt, "a signed token"),
        (pem.clone(), "a private key"),
        (pem.replace('\n', "\\n"), "a private key"),
        (STANDARD.encode(&pem), "a private key"),
        (key("RSA PRIVATE"), "a private key"),
        (key("OPENSSH PRIVATE"), "a private key"),
        (key("ENCRYPTED SIGSTORE PRIVATE"), "a private key"),
        ("git clone https://bot:hunter2@github.com/a/b".into(), "a URL with a password"),
        ("postgres://u:p%40ss@db.example/x".into(), "a URL with a password"),
        (token("https://", 30) + "@github.com/a/b", "a URL with a password"),
    ] {
        let e = find_secret(&json!({ "a": text }), &[]).expect_err(&text);
        let expected = FoundSecret::Form {
            path: "statement.a".into(),
            kind,
            // Who reads a log could try passwords until one has it.
            digest: (kind != "a URL with a password").then(|| crate::model::Digest::sha256(text.as_bytes())),
        };
        assert_eq!(e, expected, "{text}");
        assert_eq!(CaptureError::from(e.clone()).code().as_str(), "secret-in-statement");
        assert!(!e.to_string().contains(&text));
    }
}

#[test]
fn what_only_looks_like_a_secret_is_signed() {
    let secrets = [
        Secret::new("A_TOKEN", token("ghp_", 36)),
        Secret::new("B_PASSWORD", "correct horse battery"),
        Secret::new("C_SECRET", "0123456789abcdef0123456789abcdee"),
    ];
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let raw: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&digest[2 * i..2 * i + 2], 16).unwrap()).collect();
    let public =
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7l0Fh5cWl3mT1Z5m\n-----END PUBLIC KEY-----";
    let near = [
        digest.to_owned(),
        digest.to_uppercase(),
        format!("sha256:{digest}"),
        digest.repeat(2),
        "de9f2c7f-d25e-11b2-9a5c-0242ac130003".to_owned(),
        "8536f046563c833ed0eeeb5b7ed9d913802cffb5".to_owned(),
        STANDARD.encode(&raw),
        URL_SAFE.encode(&raw),
        STANDARD.encode(digest),
        format!("sha512-{}", STANDARD.encode([&raw[..], &raw[..]].concat())),
        public.to_owned(),
        STANDARD.encode(public),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8u5mE0kG5Gq1v5QpHhW0mYQm0r0cQWc3P7m0nq3v3H a@b".to_owned(),
        format!("/nix/store/{}-source/{}", &digest[..32], "deeply/nested/".repeat(40)),
        "pkg:npm/%40angular/core@17.0.0-next.1+build.20260101".to_owned(),
        "pkg:cargo/serde@1.0.228".to_owned(),
        "git+https://github.com/acme/app@refs/heads/x@refs/heads/main".to_owned(),
        "git+ssh://git@git.example/acme/app".to_owned(),
        "https://acme@dev.azure.com/acme/app".to_owned(),
        format!("npm_config_cache npm_{} ghp_short glpat-x xoxb-1", "short"),
        "the correct horse, a battery".to_owned(),
        "0123456789abcdef0123456789abcdef".to_owned(),
        "eyJhbGciOiJub25lIn0.not.a-token".to_owned(),
        "KAKIAIOSFODNN7EXAMPL2 AKIAIOSFODNN7EXAMPL2X".to_owned(),
        "mailto:a@b.example, scope://path?x=a:b@c".to_owned(),
    ];
    assert!(near.len() >= 20);
    for text in &near {
        assert_eq!(find_secret(&json!({ text.as_str(): [text] }), &secrets), Ok(()), "{text}");
    }
}

#[test]
fn a_password_in_a_variables_url_is_a_secret() {
    let mut env = Environment::default();
    for (name, value) in [("HTTPS_PROXY", "http://u:pr%40xy-pass@p.example:3128"), ("HOME", "/home/u")] {
        env.variables.insert(name.into(), value.into());
    }
    let found = secrets(&env, &[]);
    assert!(found.iter().all(|s| s.name == "HTTPS_PROXY"));
    for text in ["pr%40xy-pass", "pr@xy-pass", &STANDARD.encode("u:pr@xy-pass")] {
        assert!(find_secret(&json!([text]), &found).is_err(), "{text}");
    }
    assert_eq!(find_secret(&json!(["proxy-pass"]), &found), Ok(()));
}

#[test]
fn a_word_that_anybody_would_guess_is_no_part_of_a_name() {
    let secrets = [Secret::new("POSTGRES_PASSWORD", "postgres")];
    let package =
        |name: &str| json!({ "resolvedDependencies": [{ "name": name, "uri": format!("pkg:cargo/{name}@0.7.13") }] });
    for name in ["tokio-postgres", "postgres", "postgres-protocol", "postgres_types"] {
        assert_eq!(find_secret(&package(name), &secrets), Ok(()), "{name}");
    }
    for text in [
        "tokio-postgres",
        "postgres-0.19.tgz",
        "my_postgres",
        "postgresql",
        "cc -lpostgres",
        "cargo build -Fpostgres --with-postgres --features=tokio-postgres",
        "-ppostgresql",
        "a-ppostgres",
    ] {
        assert_eq!(find_secret(&json!({ "a": text }), &secrets), Ok(()), "{text}");
    }
    for text in [
        "postgres",
        "--password=postgres",
        "PGPASSWORD='postgres' psql",
        "postgres:postgres",
        "POSTGRES",
        &hex("postgres"),
        "-ppostgres",
        "mysql -uroot -ppostgres app",
        "sh -c 'mysql -Ppostgres'",
        "redis-cli -apostgres\n",
    ] {
        assert!(find_secret(&json!({ "a": text }), &secrets).is_err(), "{text}");
    }
    // The twin: what nobody would guess is found in every name.
    let real = [Secret::new("TOKEN", "q8zr-kwv2-hm4x")];
    for text in ["tokio-q8zr-kwv2-hm4x", "pkg:cargo/q8zr-kwv2-hm4x@1", "xq8zr-kwv2-hm4xx"] {
        assert!(find_secret(&json!({ "a": text }), &real).is_err(), "{text}");
        assert!(find_secret(&json!({ "name": text, "uri": "pkg:cargo/a@1" }), &real).is_err(), "{text}");
    }
}

#[test]
fn no_digest_is_told_of_what_could_be_guessed() {
    let word = [Secret::new("POSTGRES_PASSWORD", "sunshine")];
    let sha256 = |text: &str| crate::model::Digest::sha256(text.as_bytes()).to_string();
    let url = "postgres://app:hunter2@db.example/x";
    let encoded = STANDARD.encode(format!("see {url}"));
    let token = token("ghp_", 36);
    let both = format!("{token} {url}");
    for (text, told) in [
        ("sunshine", false),
        ("mysql -psunshine", false),
        (url, false),
        (&encoded, false),
        (&both, false),
        (&token, true),
        (&format!("curl -H '{token}'"), true),
    ] {
        let e = CaptureError::from(find_secret(&json!({ "a": text }), &word).unwrap_err()).to_string();
        assert_eq!(e.contains(&sha256(text)), told, "{text}: {e}");
        assert!(e.contains("--allow-secret-like 'statement.a="), "{e}");
        // Made by whoever has the text, it lets the field through.
        let allowed = vec![format!("statement.a={}", sha256(text)).parse::<Allowed>().unwrap()];
        let search = Search { secrets: word.to_vec(), allowed };
        assert_eq!(super::find_secret(&json!({ "a": text }), &search), Ok(()), "{text}");
    }
}

#[test]
fn what_stands_in_the_wrong_place_may_be_a_secret() {
    for text in
        [&token("ghp_", 36), "https://bot:hunter2@h.example", "Tr0ub4dor&3x", "agent.id,q8zrkwv2hm4x", "a1b2c3d4e5"]
    {
        assert!(super::may_be_secret(text), "{text}");
    }
    for text in
        ["agent.idd", "gpt-4-turbo-2024-04-09", "daily", "ghcr.io/acme/app:v1.22.333", "resolvedDependencies", "v1"]
    {
        assert!(!super::may_be_secret(text), "{text}");
    }
}

#[test]
fn what_documentation_writes_is_no_credential() {
    let key = |rest: &str| token("AKIA", 0) + rest;
    let example = [token("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", 0), token("eyJzdWIiOiIxMjM0NTY3ODkwIn0", 0)].join(".");
    for text in [
        key("IOSFODNN7EXAMPLE"),
        key("I44QH8DHBEXAMPLE"),
        "https://<user>:<token>@h/".into(),
        "https://user:${TOKEN}@h.example/a".into(),
        "https://<your-personal-access-token>@github.com/a".into(),
        "https://%3Cuser%3E:%3Ctoken%3E@h/".into(),
        "ghp_".to_owned() + &"x".repeat(36),
        example.clone() + "." + "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    ] {
        assert_eq!(find_secret(&json!({ "a": text }), &[]), Ok(()), "{text}");
    }
    for text in [
        key("IOSFODNN7EXAMPL2"),
        format!("{} {}", key("IOSFODNN7EXAMPLE"), key("IOSFODNN7ABCDEFG")),
        "https://<user>:hunter2@h/".into(),
        "https://<user>:<hunter2>@h/".into(),
        "https://<user>:<token>@h/ https://bot:hunter2@h/".into(),
        token("ghp_", 36),
        example + "." + &token("", 43),
    ] {
        assert!(find_secret(&json!({ "a": text }), &[]).is_err(), "{text}");
    }
}

#[test]
fn one_occurrence_is_let_through_by_its_field_and_digest_alone() {
    let url = "postgres://postgres:postgres@localhost/test";
    let statement = json!({ "a": url, "b": [url] });
    let search = |secrets: &[Secret], allowed: &[&FoundSecret]| {
        let allow = |e: &&FoundSecret| match e {
            FoundSecret::Form { path, .. } | FoundSecret::Word { path, .. } | FoundSecret::Value { path, .. } => {
                Allowed { field: path.clone(), digest: crate::model::Digest::sha256(url.as_bytes()) }
            }
        };
        Search { secrets: secrets.to_vec(), allowed: allowed.iter().map(allow).collect() }
    };
    let first = super::find_secret(&statement, &search(&[], &[])).unwrap_err();
    let second = super::find_secret(&statement, &search(&[], &[&first])).unwrap_err();
    assert_ne!(first, second);
    assert_eq!(super::find_secret(&statement, &search(&[], &[&first, &second])), Ok(()));
    let longer = json!({ "a": format!("{url} "), "b": [url] });
    assert!(super::find_secret(&longer, &search(&[], &[&first, &second])).is_err());
    // A word is let through so, too; a value that nobody would guess never is.
    let word = [Secret::new("POSTGRES_PASSWORD", "postgres")];
    assert_eq!(super::find_secret(&statement, &search(&word, &[&first, &second])), Ok(()));
    let real = [Secret::new("PASSWORD", "postgres@localhost")];
    let found = super::find_secret(&statement, &search(&real, &[&first, &second])).unwrap_err();
    assert!(matches!(found, FoundSecret::Value { .. }), "{found}");
}

/// A document as it is written is searched as its tree is, whatever its parts weigh.
#[test]
fn a_large_document_is_searched_as_a_small_one_is() {
    let secrets = [Secret::new("DEPLOY_TOKEN", VALUE), Secret::new("POSTGRES_PASSWORD", "postgres")];
    let search: Search = secrets.to_vec().into();
    let found = |document: &Value| {
        let text = document.to_string();
        let written = super::find_in_document("statement", text.as_bytes(), 1 << 20, &search);
        written.map_err(|e| match e {
            super::SearchError::Found(e) => e,
            other => panic!("{other}"),
        })
    };
    let long = "long enough ".repeat(1_500);
    let many: Vec<_> = (0..1_500).map(|i| json!({ "i": i, "of": "many" })).collect();
    let within = |place: Value| {
        [
            json!({ "a": [1, place] }),
            json!({ "a": [place], "b": many }),
            json!({ "a": { "b": [many, place, many] } }),
            json!({ "a": { "place": place, "many": { "more": many } } }),
            json!([[[{ "text": long, "place": place }, long]]]),
        ]
    };
    for (place, fine) in [
        (json!("a text"), true),
        (json!(VALUE), false),
        (json!({ "x": { VALUE: 1 } }), false),
        (json!({ VALUE: long }), false),
        (json!({ "text": format!("{long}{VALUE}{long}") }), false),
        (json!(format!("{long}{VALUE}{long}")), false),
        (json!({ "name": "postgres", "uri": "pkg:cargo/postgres@1", "text": long }), true),
        (json!({ "name": "postgres", "purl": "pkg:cargo/postgres@1", "more": many }), true),
        (json!({ "name": "postgres", "uri": "https://example.com", "text": long }), false),
        (json!({ "name": VALUE, "uri": "pkg:cargo/postgres@1", "text": long }), false),
        (json!({ "name": ["postgres"], "uri": "pkg:cargo/postgres@1", "text": long }), false),
    ] {
        for document in within(place.clone()) {
            let [small, large] = [super::find_secret(&document, &search), found(&document)];
            assert_eq!((small.is_ok(), large.is_ok()), (fine, fine), "{:.200}", place.to_string());
            // Where there is one place alone, both name it.
            assert_eq!(small, large);
        }
    }
    let number = |text: &str| super::find_in_document("s", text.as_bytes(), 99, &vec![Secret::new("N", text)].into());
    assert!(number("12345678901234567890.1234567890").is_err());
    for broken in [&b"{\"a\":1,\"a\":2}"[..], b"{", b"{\"a\":\"\xff\"}"] {
        let refused = super::find_in_document("s", broken, 99, &search).unwrap_err();
        assert!(matches!(refused, super::SearchError::Json(_)), "{refused}");
    }
    assert!(super::find_in_document("s", b"[1,2,3]", 6, &search).is_err());
}
