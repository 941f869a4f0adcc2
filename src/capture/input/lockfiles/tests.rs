#![expect(clippy::disallowed_methods, reason = "measures how long a file takes")]
//! What each format says and must say; the whole of the example is compared in `tests/capture`.

use crate::capture::input::lockfiles::*;
use base64::engine::general_purpose::STANDARD;

const HEX: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SHA1: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const CARGO: &str = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
    source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"HEX\"\n";
const NPM: &str = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","resolved":"https://r.example/a.tgz","integrity":"sha512-SRI"}}}"#;
const V1: &str = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0","integrity":"sha512-SRI"}}}}}"#;
const UV: &str = "version = 1\n[[package]]\nname = \"A_b\"\nversion = \"1.0\"\nsource = { registry = \"https://r.example\" }\n\
    sdist = { url = \"https://r.example/a-1.0.tar.gz?token=t\", hash = \"sha256:HEX\" }\n";
const FLAKE: &str = r#"{"version":7,"root":"root","nodes":{"root":{"inputs":{"nixpkgs":"nixpkgs_2"}},"nixpkgs_2":{"locked":{"type":"github","owner":"o","repo":"r","rev":"SHA1","narHash":"sha256-NAR"}}}}"#;

fn read(file: &str, text: &str) -> Result<Vec<String>, JsonError> {
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let text = text.replace("HEX", HEX).replace("SHA1", SHA1);
    let text = text.replace("SRI", &encode(&[1; 64])).replace("NAR", &encode(&[2; 32])).replace("NPM", "npmjs.org");
    let packages = super::read(by_file_name(file).unwrap(), text.as_bytes())?;
    let show = |d: &ResourceDescriptor| {
        let digests =
            d.digest().map(|s| s.iter().map(|(a, v)| format!("{a}:{}", &v[..4])).collect::<Vec<_>>().join(","));
        format!("{} {}", d.uri().unwrap(), digests.unwrap_or_default())
    };
    Ok(packages.iter().map(show).collect())
}

/// Each defect differs from a file that is read in one replacement.
#[test]
fn hostile_files_are_refused_by_field() {
    let all: &[(&str, &str, &str, &str, &str)] = &[
        ("Cargo.lock", CARGO, "HEX", "nothex", "package[0].digest.sha256"),
        ("Cargo.lock", CARGO, "name = \"a\"", "name = 5", "package[0].name"),
        ("Cargo.lock", CARGO, "name = \"a\"", "name = \"a b\"", "package[0].name"),
        ("Cargo.lock", CARGO, "version = \"1.0.0\"\n", "", "package[0].version"),
        ("Cargo.lock", CARGO, "[[package]]", "version = 9\n[[package]]", "Cargo.lock.version"),
        ("Cargo.lock", CARGO, "checksum", "name", "not TOML"),
        ("package-lock.json", NPM, "\"lockfileVersion\":3", "\"lockfileVersion\":1", "lockfileVersion"),
        ("package-lock.json", NPM, "\"lockfileVersion\":3", "\"lockfileVersion\":4", "lockfileVersion"),
        ("package-lock.json", NPM, "\"lockfileVersion\":3,", "", "lockfileVersion"),
        ("package-lock.json", NPM, "sha512-SRI", "sha512-AAAA", "integrity"),
        ("package-lock.json", NPM, "\"https://r.example/a.tgz\"", "true", "resolved"),
        ("package-lock.json", V1, "sha512-SRI", "sha512-AAAA", "dependencies.a.dependencies.b.integrity"),
        ("package-lock.json", NPM, "\"version\":\"1.0.0\"", "\"version\":[]", "node_modules/a.version"),
        ("package-lock.json", NPM, "\"resolved\"", "\"version\"", "duplicate key `version`"),
        ("package-lock.json", NPM, "{\"version\":\"1.0.0\"", "[{\"version\":\"1.0.0\"", "not acceptable JSON"),
        ("uv.lock", UV, "version = 1\n", "version = 2\n", "uv.lock.version"),
        ("uv.lock", UV, "sha256:HEX", "md5:HEX", "package[0].sdist.hash"),
        ("uv.lock", UV, "sha256:HEX", "crc32:HEX", "package[0].sdist.hash"),
        ("uv.lock", UV, "sha256:HEX", "sha256:ABC", "package[0].sdist.hash"),
        ("uv.lock", UV, "source =", "sauce =", "package[0].source"),
        ("flake.lock", FLAKE, "SHA1", "main", "nixpkgs_2.locked.digest.gitCommit"),
        ("flake.lock", FLAKE, "sha256-NAR", "sha512-SRI", "narHash"),
        ("flake.lock", FLAKE, "\"github\"", "\"floppy\"", "locked.type"),
        ("flake.lock", FLAKE, "\"owner\":\"o\",", "", "locked.owner"),
        ("flake.lock", FLAKE, "\"version\":7", "\"version\":8", "flake.lock.version"),
    ];
    for (file, good, from, to, named) in all {
        read(file, good).unwrap();
        assert!(good.contains(from), "{file}: {from}");
        let e = read(file, &good.replacen(from, to, 1)).expect_err(named);
        assert!(e.to_string().contains(named), "{named}: {e}");
    }
}

#[test]
fn limits_hold() {
    for file in ["Cargo.lock", "package-lock.json", "uv.lock", "flake.lock"] {
        let e = by_file_name(file).unwrap().read(&vec![b' '; limits::LOCK_FILE_BYTES + 1]).unwrap_err();
        assert_eq!(e.code().as_str(), "limit-exceeded", "{file}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(read("flake.lock", &deep).unwrap_err().code().as_str(), "limit-exceeded");
    // TOML's own depth limit answers; what matters is that there is an answer.
    assert!(read("uv.lock", &format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
    let many = "[[package]]\nname = \"a\"\nversion = \"1\"\n".repeat(limits::DEPENDENCIES + 1);
    assert_eq!(read("Cargo.lock", &many).unwrap_err().code().as_str(), "limit-exceeded");
}

#[test]
fn cargo_in_all_its_versions() {
    assert_eq!(read("Cargo.lock", "").unwrap(), [""; 0]);
    assert_eq!(read("Cargo.lock", CARGO).unwrap(), ["pkg:cargo/a@1.0.0 sha256:aaaa"]);
    let first = CARGO.replace("checksum = \"HEX\"\n", "")
        + "[metadata]\n\"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\" = \"HEX\"\n";
    assert_eq!(read("Cargo.lock", &first).unwrap(), ["pkg:cargo/a@1.0.0 sha256:aaaa"]);
    let other = CARGO.replace("registry+https://github.com/rust-lang/", "registry+https://u:p@r.example/");
    let uri = "pkg:cargo/a@1.0.0?repository_url=https%3A%2F%2Fr.example%2Fcrates.io-index sha256:aaaa";
    assert_eq!(read("Cargo.lock", &other).unwrap(), [uri]);
    // A member of the workspace is the source itself; the same package twice is one.
    let member = "[[package]]\nname = \"me\"\nversion = \"0.1.0\"\n";
    assert_eq!(read("Cargo.lock", &format!("{member}{CARGO}{CARGO}")).unwrap().len(), 1);
}

#[test]
fn npm_with_its_odd_entries() {
    let from = "?download_url=https%3A%2F%2Fr.example%2Fa.tgz";
    assert_eq!(read("package-lock.json", NPM).unwrap(), [format!("pkg:npm/a@1.0.0{from} sha512:0101")]);
    let text = r#"{"lockfileVersion":2,"packages":{
        "":{"name":"me"},
        "packages/member":{"version":"1.0.0"},
        "node_modules/member":{"resolved":"packages/member","link":true},
        "node_modules/alias":{"name":"@s/real","version":"2.0.0","integrity":"sha512-SRI sha1-u7u7u7u7u7u7u7u7u7u7u7u7u7s="},
        "node_modules/git":{"version":"3.0.0","resolved":"git+ssh://git@h.example/o/r.git#SHA1"},
        "node_modules/a/node_modules/bundled":{"version":"4.0.0","inBundle":true},
        "node_modules/local":{"version":"5.0.0","resolved":"file:local.tgz"}
    },"dependencies":{}}"#;
    let expected = [
        "pkg:npm/%40s/real@2.0.0 sha1:bbbb,sha512:0101".to_owned(),
        "pkg:npm/bundled@4.0.0 ".to_owned(),
        format!("pkg:npm/git@3.0.0?vcs_url=git%2Bssh%3A%2F%2Fh.example%2Fo%2Fr.git%40{SHA1} gitCommit:bbbb"),
    ];
    assert_eq!(read("npm-shrinkwrap.json", text).unwrap(), expected);
}

#[test]
fn uv_artifact_by_artifact() {
    let text = UV.to_owned()
        + "wheels = [{ filename = \"a-1.0-py3-none-any.whl\", hash = \"sha256:HEX\" }]\n\
           [[package]]\nname = \"me\"\nversion = \"0\"\nsource = { editable = \".\" }\n\
           [[package]]\nname = \"g\"\nversion = \"2\"\nsource = { git = \"https://h.example/g?rev=main#SHA1\" }\n";
    let packages = read("uv.lock", &text).unwrap();
    let git = format!("pkg:pypi/g@2?vcs_url=git%2Bhttps%3A%2F%2Fh.example%2Fg%40{SHA1} gitCommit:bbbb");
    let from = "pkg:pypi/a-b@1.0?repository_url=https%3A%2F%2Fr.example sha256:aaaa";
    assert_eq!(packages, [from, from, &git]);
    // A token in an address is not recorded.
    let all = by_file_name("uv.lock").unwrap().read(text.replace("HEX", HEX).as_bytes()).unwrap();
    assert!(all.iter().all(|d| !d.to_json().to_string().contains("token")));
    let names: Vec<_> = all.iter().filter_map(ResourceDescriptor::name).collect();
    assert_eq!(names, ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz"]);
}

#[test]
fn flake_inputs_by_the_name_the_flake_gives_them() {
    let text = FLAKE.replace("SHA1", SHA1).replace("sha256-NAR", "sha256-AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
    let flake = by_file_name("flake.lock").unwrap();
    let inputs = flake.read(text.as_bytes()).unwrap();
    assert_eq!(inputs[0].name(), Some("nixpkgs"));
    assert_eq!(inputs[0].uri(), Some(&*format!("github:o/r/{SHA1}")));
    let sri = format!("sha256-{}", STANDARD.encode([2; 32]));
    assert_eq!(inputs[0].nar_hash(), Some(&*sri));
    assert!(inputs.iter().all(|i| i.digest().is_none_or(|d| d.get("narSha256").is_none())));
    assert_eq!(flake.nixpkgs(&inputs), Some(format!("nixpkgs#{SHA1}")));
    // Somebody else's nixpkgs is not the one this flake builds with.
    let other = flake.read(text.replace("\"nixpkgs\":\"nixpkgs_2\"", "\"tools\":\"nixpkgs_2\"").as_bytes()).unwrap();
    assert_eq!(flake.nixpkgs(&other), None);
}

/// What a reader of the whole document would find, cut or not.
#[test]
fn a_file_is_cut_where_its_packages_begin() {
    let other =
        "name = \"b\"\nversion = \"2.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    let hidden = "'''\n[[package]]\nname = \"not-one\"\n'''";
    for (text, expected) in [
        (format!("{CARGO}[[package]]\n{other}"), 2),
        (format!("{CARGO}[[ \"package\" ]] # comment\n{other}"), 2),
        (format!("{CARGO}[[\"pack\\u0061ge\"]]\n{other}"), 2),
        (format!("{CARGO}[package.metadata]\na = [\n[1],\n[[2]]\n]\n[[package.more]]\n[[package]]\n{other}"), 2),
        (format!("a = {hidden}\n{CARGO}text = {hidden}\n[[package]]\n{other}[other]\nb = 1\n"), 2),
        (format!("[other]\n{CARGO}[patch]\n[[package]]\n{other}[[patch.unused]]\n"), 2),
        ("package = [{ name = \"c\", version = \"1.0.0\", source = \"registry+x\" }]\n".to_owned(), 1),
        ("version = 4\n".to_owned(), 0),
    ] {
        assert_eq!(read("Cargo.lock", &text).unwrap().len(), expected, "{text}");
    }
    // What a reader of the whole document refuses.
    for (text, named) in [
        (format!("package = []\n{CARGO}"), "duplicate key `package`"),
        (format!("{CARGO}[package]\n"), "not TOML"),
        (format!("{CARGO}[other]\n[package.late]\n"), "duplicate key `package`"),
        (format!("[other]\n{CARGO}[other]\n"), "duplicate key at line 7"),
        (format!("{CARGO}{CARGO}a = \n"), "at line 11"),
        (format!("{CARGO}x = [\n[[package]]\n"), "not TOML"),
    ] {
        let e = read("Cargo.lock", &text).unwrap_err();
        assert!(e.to_string().contains(named), "{text}: {e}");
    }
}

#[test]
fn a_file_of_many_values_is_refused_before_it_is_parsed() {
    let of = |part: &str, n: usize| part.repeat(n);
    let entry = |n: usize| format!("{{\"lockfileVersion\":3,\"packages\":{{\"a\":[{}0]}}}}", of("{\"a\":1},", n));
    let (piece, all, deep) = (limits::LOCK_PIECE_VALUES, limits::LOCK_VALUES, limits::JSON_DEPTH);
    let package = |n: usize| format!("[[package]]\nx = [{}]\n", of("1,", n));
    let named = package(100).replace("x =", "name = 'a'\nversion = '1'\nx =");
    for (file, bad, good) in [
        ("Cargo.lock", format!("x = [{}]", of("{a=1},", piece)), format!("x = [{}]", of("{a=1},", piece / 4))),
        ("Cargo.lock", format!("{CARGO}x = [{}]", of("1,", piece)), format!("{CARGO}x = [{}]", of("1,", piece / 2))),
        ("uv.lock", (0..piece).map(|i| format!("[a{i}]\n")).collect(), "version = 1\n[a]\n[b]\n".to_owned()),
        ("Cargo.lock", of(&package(40_000), all / 40_000 + 1), named),
        ("Cargo.lock", of("[[package]]\n", limits::DEPENDENCIES + 1), CARGO.to_owned()),
        ("Cargo.lock", of("a.", deep + 1) + "a = 1", of("a.", deep / 2) + "a = 1"),
        ("Cargo.lock", format!("a = {}1{}", of("[", deep + 1), of("]", deep + 1)), "a = [[1]]".to_owned()),
        ("Cargo.lock", format!("a = '{}'", of("x", limits::LOCK_PIECE_BYTES)), "a = 'x'".to_owned()),
        ("package-lock.json", entry(piece), entry(piece / 4)),
    ] {
        let e = read(file, &bad).unwrap_err();
        assert!(matches!(e, JsonError::TooLarge { .. }), "{file} of {}: {e}", bad.len());
        let read = read(file, &good);
        assert!(read.is_ok(), "{file}: the twin: {read:?}");
    }
    // What is not kept may be as large as the file: no value is made of it.
    let other = format!("\"other\":[{}0],\"packages\"", of("{\"a\":1},", piece));
    read("package-lock.json", &entry(1).replace("\"packages\"", &other)).unwrap();
}

#[test]
fn a_package_lock_says_everything_once() {
    for twice in ["\"lockfileVersion\":3,", "\"packages\":{},"] {
        let e = read("package-lock.json", &NPM.replace("\"packages\"", &format!("{twice}\"packages\""))).unwrap_err();
        assert!(matches!(e, JsonError::DuplicateKey { .. }), "{e}");
    }
    let twice = NPM.replace("}}}", "},\"node_modules/a\":{\"version\":\"2.0.0\"}}}");
    assert!(matches!(read("package-lock.json", &twice).unwrap_err(), JsonError::DuplicateKey { .. }));
    assert!(read("package-lock.json", "{\"lockfileVersion\":3,\"packages\":{}}").unwrap().is_empty());
    let e = read("package-lock.json", "{\"lockfileVersion\":3}").unwrap_err();
    assert!(e.to_string().contains("packages` is missing"), "{e}");
}

/// Each node was looked up among all inputs.
#[test]
fn many_inputs_of_a_flake_are_read_in_one_look() {
    let names = |form: fn(usize) -> String| (0..20_000).map(form).collect::<Vec<_>>().join(",");
    let inputs = names(|i| format!("\"input{i}\":\"node{i}\""));
    let nodes = names(|i| format!("\"node{i}\":{{\"locked\":{{\"type\":\"path\"}}}}"));
    let top = format!("\"r\":{{\"inputs\":{{{inputs}}}}}");
    let text = format!("{{\"version\":7,\"root\":\"r\",\"nodes\":{{{top},{nodes}}}}}");
    let began = std::time::Instant::now();
    assert!(read("flake.lock", &text).unwrap().is_empty());
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

/// Entries without a version (npm/cli#4796), `resolved: false`, `integrity` of several digests of one algorithm and of
/// algorithms that are not known (SRI 3.3.4): legal, and none of them stops the rest.
#[test]
fn npm_entries_that_say_less_or_more_than_others() {
    let text = r#"{"lockfileVersion":3,"packages":{
        "node_modules/peer":{"dev":true,"optional":true,"peer":true},
        "node_modules/git":{"resolved":"git+ssh://git@h.example/o/r.git#SHA1"},
        "node_modules/in-another":{"version":"1.0.0","resolved":false,"integrity":false},
        "node_modules/several":{"version":"1.0.0","integrity":"sha512-SRI sha512-TWO sha1-u7u7u7u7u7u7u7u7u7u7u7u7u7s="},
        "node_modules/same":{"version":"1.0.0","integrity":"sha512-SRI sha512-SRI"},
        "node_modules/unknown":{"version":"1.0.0","integrity":"blake3-AAAA md5-AAAA sha512-SRI"}
    }}"#;
    let two = base64::engine::general_purpose::STANDARD.encode([2; 64]);
    let text = text.replace("TWO", &two);
    let git = format!("pkg:npm/git?vcs_url=git%2Bssh%3A%2F%2Fh.example%2Fo%2Fr.git%40{SHA1} gitCommit:bbbb");
    let expected = [
        git.as_str(),
        "pkg:npm/in-another@1.0.0 ",
        "pkg:npm/peer ",
        "pkg:npm/same@1.0.0 sha512:0101",
        "pkg:npm/several@1.0.0 sha1:bbbb",
        "pkg:npm/unknown@1.0.0 sha512:0101",
    ];
    assert_eq!(read("package-lock.json", &text).unwrap(), expected);
    let one = base64::engine::general_purpose::STANDARD.encode([1; 64]);
    let text = text.replace("SRI", &one).replace("SHA1", SHA1);
    let all = by_file_name("package-lock.json").unwrap().read(text.as_bytes()).unwrap();
    let kept: Vec<_> = all.iter().filter_map(|d| d.annotations().get("integrity")?.as_str()).collect();
    let several = format!("sha512-{one} sha512-{two} sha1-u7u7u7u7u7u7u7u7u7u7u7u7u7s=");
    assert_eq!(kept, [several, format!("blake3-AAAA md5-AAAA sha512-{one}")]);
}

#[test]
fn npm_lock_files_of_version_1() {
    assert_eq!(read("package-lock.json", V1).unwrap(), ["pkg:npm/a@1.0.0 ", "pkg:npm/b@2.0.0 sha512:0101"]);
    // What wrote them before there were versions.
    assert_eq!(read("npm-shrinkwrap.json", &V1.replace("\"lockfileVersion\":1,", "")).unwrap().len(), 2);
    let text = r#"{"lockfileVersion":1,"dependencies":{
        "alias":{"version":"npm:@s/real@2.0.0","resolved":"https://registry.NPM/@s/real/-/real-2.0.0.tgz"},
        "git":{"version":"git+ssh://git@h.example/o/r.git#SHA1","from":"git+ssh://git@h.example/o/r.git"},
        "hosted":{"version":"github:o/r#SHA1"},
        "local":{"version":"file:../local","dependencies":{"below":{"version":"1.0.0"}}},
        "tarball":{"version":"https://h.example/t.tgz","integrity":"sha512-SRI"},
        "bundled":{"version":"1.0.0","bundled":true,"resolved":false}
    }}"#;
    let expected = [
        "pkg:npm/%40s/real@2.0.0 ".to_owned(),
        "pkg:npm/below@1.0.0 ".to_owned(),
        "pkg:npm/bundled@1.0.0 ".to_owned(),
        format!("pkg:npm/git?vcs_url=git%2Bssh%3A%2F%2Fh.example%2Fo%2Fr.git%40{SHA1} gitCommit:bbbb"),
        format!("pkg:npm/hosted?vcs_url=git%2Bhttps%3A%2F%2Fgithub.com%2Fo%2Fr%40{SHA1} gitCommit:bbbb"),
        "pkg:npm/tarball?download_url=https%3A%2F%2Fh.example%2Ft.tgz sha512:0101".to_owned(),
    ];
    assert_eq!(read("package-lock.json", text).unwrap(), expected);
}

/// Two packages of one name may be of two registries: one of them by somebody else.
#[test]
fn a_package_says_which_registry_it_is_of() {
    let npm = |url: &str, name: &str| {
        let text = format!(
            r#"{{"lockfileVersion":3,"packages":{{"node_modules/{name}":{{"version":"1.0.0","resolved":"{url}"}}}}}}"#
        );
        read("package-lock.json", &text).unwrap().remove(0)
    };
    for (url, name, expected) in [
        ("https://registry.NPM/a/-/a-1.0.0.tgz", "a", "pkg:npm/a@1.0.0 "),
        ("http://registry.NPM/a/-/a-1.0.0.tgz", "a", "pkg:npm/a@1.0.0 "),
        ("https://registry.NPM/@s%2fa/-/a-1.0.0.tgz", "@s/a", "pkg:npm/%40s/a@1.0.0 "),
        (
            "https://u:p@npm.acme.example/a/-/a-1.0.0.tgz?token=t",
            "a",
            "pkg:npm/a@1.0.0?repository_url=https%3A%2F%2Fnpm.acme.example ",
        ),
        (
            "https://h.example/api/npm/@s/a/-/a-1.0.0.tgz",
            "@s/a",
            "pkg:npm/%40s/a@1.0.0?repository_url=https%3A%2F%2Fh.example%2Fapi%2Fnpm ",
        ),
        (
            "https://evil.registry.npmjs.example/x.tgz",
            "a",
            "pkg:npm/a@1.0.0?download_url=https%3A%2F%2Fevil.registry.npmjs.example%2Fx.tgz ",
        ),
    ] {
        assert_eq!(npm(url, name), expected, "{url}");
    }
    let uv = |source: &str| read("uv.lock", &UV.replace("registry = \"https://r.example\"", source)).unwrap().remove(0);
    for (source, from) in [
        ("registry = \"https://pypi.org/simple\"", ""),
        ("registry = \"https://pypi.org/simple/\"", ""),
        (
            "registry = \"https://u:p@pypi.acme.example/simple\"",
            "?repository_url=https%3A%2F%2Fpypi.acme.example%2Fsimple",
        ),
        ("registry = \"../wheels\"", "?repository_url=file%3A"),
        ("registry = \"/home/somebody/wheels\"", "?repository_url=file%3A"),
        ("url = \"https://r.example/a-1.0.tar.gz\"", "?download_url=https%3A%2F%2Fr.example%2Fa-1.0.tar.gz"),
    ] {
        assert_eq!(uv(source), format!("pkg:pypi/a-b@1.0{from} sha256:aaaa"), "{source}");
    }
}

#[test]
fn uv_writes_what_an_index_has() {
    let uv = |hash: &str| read("uv.lock", &UV.replace("sha256:HEX", hash)).unwrap().remove(0);
    let plain = "pkg:pypi/a-b@1.0?repository_url=https%3A%2F%2Fr.example";
    assert_eq!(uv(&format!("md5:{}", &HEX[..32])), format!("{plain} md5:aaaa"));
    assert_eq!(uv(&format!("blake2b:{HEX}{HEX}")), format!("{plain} blake2b:aaaa"));
    // A version that is not there is none.
    let text = UV.replace("version = \"1.0\"\n", "");
    assert_eq!(read("uv.lock", &text).unwrap(), ["pkg:pypi/a-b?repository_url=https%3A%2F%2Fr.example sha256:aaaa"]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    for (file, text) in [("Cargo.lock", CARGO), ("package-lock.json", NPM), ("uv.lock", UV), ("flake.lock", FLAKE)] {
        assert_eq!(read(file, &format!("\u{FEFF}{text}")).unwrap(), read(file, text).unwrap(), "{file}");
    }
}

/// Inputs of the flake that follow those of others (fzakaria/nix-auto-follow#1), in as many steps as it takes.
#[test]
fn flake_inputs_that_follow_others() {
    let node = r#"{"locked":{"type":"github","owner":"o","repo":"r","rev":"SHA1"}}"#;
    let name = |root: &str, tools: &str| {
        let text = format!(
            r#"{{"version":7,"root":"root","nodes":{{"root":{{"inputs":{root}}},"tools":{{"inputs":{tools}}},"nixpkgs_3":{node}}}}}"#
        );
        let flake = by_file_name("flake.lock").unwrap();
        let inputs = flake.read(text.replace("SHA1", SHA1).as_bytes()).unwrap();
        (inputs[0].name().unwrap().to_owned(), flake.nixpkgs(&inputs).is_some())
    };
    let follows = r#"{"tools":"tools","nixpkgs":["tools","pkgs"]}"#;
    assert_eq!(name(follows, r#"{"pkgs":"nixpkgs_3"}"#), ("nixpkgs".to_owned(), true));
    let again = r#"{"tools":"tools","other":"nixpkgs_3","nixpkgs":["tools","pkgs"]}"#;
    assert_eq!(name(again, r#"{"pkgs":["other"]}"#), ("nixpkgs".to_owned(), true));
    // One that leads nowhere, or in a circle, names nothing.
    let none = ("nixpkgs_3".to_owned(), false);
    assert_eq!(name(follows, "{}"), none);
    assert_eq!(name(follows, r#"{"pkgs":["nixpkgs"]}"#), none);
    assert_eq!(name(follows, r#"{"pkgs":["tools","pkgs","x"]}"#), none);
}

#[test]
fn flake_inputs_by_path_are_the_checkout_s_or_have_a_digest() {
    let of = |path: &str| {
        let locked = format!(r#"{{"type":"path","path":"{path}","narHash":"sha256-NAR"}}"#);
        let text = FLAKE.split_once("{\"type\"").unwrap().0.to_owned() + &locked + "}}}";
        let text = text.replace("NAR", &STANDARD.encode([2; 32]));
        let inputs = super::read(by_file_name("flake.lock").unwrap(), text.as_bytes()).unwrap();
        let shown = |i: &ResourceDescriptor| format!("{} {}", i.uri().unwrap(), i.nar_hash().unwrap_or("none"));
        inputs.iter().map(shown).collect::<Vec<_>>()
    };
    for inside in ["./sub", "sub/../other", "."] {
        assert_eq!(of(inside), [""; 0], "{inside}");
    }
    for outside in ["../sibling", "sub/../../sibling", "/home/somebody/sibling"] {
        assert_eq!(of(outside), ["path:nixpkgs sha256-AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="], "{outside}");
    }
}
