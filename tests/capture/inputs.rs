//! Lock files and container files that a build finds by itself: nothing in them stops it, and nothing wrong is recorded.

use crate::explain::{context, row};
use crate::repo::{Repo, env_in};
use crate::vectors::vectors;
use attest::capture::{CaptureError, Captured, Context, Local, Request, capture};

fn image(i: usize) -> String {
    format!("r.example/b{i}@sha256:{}", i.to_string().repeat(64))
}

fn base(context: &Context) -> Result<&str, &str> {
    match &context.base_image {
        Captured::Found { value, .. } => Ok(value.digest().unwrap().get("sha256").unwrap()),
        Captured::Absent { reason } => Err(reason),
    }
}

fn packages(context: &Context) -> Vec<&str> {
    context.dependencies.iter().filter_map(|d| d.uri()).filter(|uri| uri.starts_with("pkg:")).collect()
}

/// A lock file that is not understood is recorded by its digest, and its packages are absent, with the reason.
#[test]
fn a_lock_file_that_nobody_asked_for_stops_nothing() {
    let good = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://r.example\"\n";
    let many = "[[package]]\n".repeat(attest::model::limits::DEPENDENCIES + 1);
    for (file, text, code) in [
        ("Cargo.lock", "<<<<<<< HEAD\n", "input-malformed"),
        ("Cargo.lock", "version = 99\n", "input-malformed"),
        ("Cargo.lock", many.as_str(), "limit-exceeded"),
        ("package-lock.json", "{\"lockfileVersion\":9}", "input-malformed"),
        ("uv.lock", "version = 9\n", "input-malformed"),
        ("flake.lock", "{}", "input-malformed"),
    ] {
        let repo = Repo::new();
        repo.write(file, text);
        let found = context(&repo.env(), &Request::default());
        let recorded = found.dependencies.iter().find(|d| d.name() == Some(file)).unwrap();
        let digest = attest::model::DigestSet::sha256(text.as_bytes());
        assert_eq!((recorded.digest(), &recorded.annotations()["packagesAbsent"]), (Some(&digest), &code.into()));
        let Captured::Absent { reason } = found.packages() else { panic!("{file}: {:?}", found.packages()) };
        assert!(reason.starts_with(&format!("{file} was not understood: ")), "{reason}");
        assert_eq!(found.lock_files, Captured::Absent { reason: reason.clone() }, "{file}");
        // One line of it, among what is missing.
        assert!(found.doubts().iter().all(|doubt| !doubt.contains(file)), "{file}: {:?}", found.doubts());
        let missing = found
            .missing(attest::capture::Open::default())
            .into_iter()
            .map(|m| m.text)
            .filter(|reason| reason.starts_with("the packages"));
        let said = format!("the packages of a lock file are not recorded: {reason}; its digest is");
        assert_eq!(missing.collect::<Vec<_>>(), [said], "{file}");
        // Beside one that is read, that one is, and who asks for all of them still hears of it.
        repo.write("npm-shrinkwrap.json", r#"{"lockfileVersion":3,"packages":{"node_modules/x":{"version":"1.0.0"}}}"#);
        let found = context(&repo.env(), &Request::default());
        assert_eq!(found.lock_files.value().unwrap(), &["npm-shrinkwrap.json"], "{file}");
        assert_eq!(packages(&found), ["pkg:npm/x@1.0.0"], "{file}");
        assert!(found.packages().value().is_none(), "{file}");
        let rows = found.explain();
        let shown = row(&rows, "lockFiles").value.clone().unwrap();
        assert!(shown["unread"][0].as_str().unwrap().starts_with(file), "{shown}");
        // One that was asked for is an error.
        let named = Request { dependencies: vec![file.into()], ..Request::default() };
        let e = capture(&named, &repo.env(), &Local::default()).unwrap_err();
        assert!(matches!(e, CaptureError::Malformed { .. }), "{file}: {e}");
        assert_eq!(e.code().as_str(), code, "{e}");
    }
    // The twin is understood.
    let repo = Repo::new();
    repo.write("Cargo.lock", good);
    let found = context(&repo.env(), &Request::default());
    assert_eq!(found.packages().value().unwrap(), &["Cargo.lock"]);
    assert!(found.doubts().iter().all(|doubt| !doubt.contains("Cargo.lock")), "{:?}", found.doubts());
    // One that is there and cannot be read is missing too.
    std::fs::remove_file(repo.root.join("Cargo.lock")).unwrap();
    std::fs::create_dir(repo.root.join("Cargo.lock")).unwrap();
    let found = context(&repo.env(), &Request::default());
    let Captured::Absent { reason } = found.packages() else { panic!("{:?}", found.packages()) };
    assert_eq!(found.passed_over, [reason]);
}

#[test]
fn a_container_file_that_nobody_asked_for_stops_nothing() {
    let repo = Repo::new();
    repo.write("Dockerfile", vec![b'#'; attest::model::limits::TEXT_FILE_BYTES + 1]);
    let found = context(&repo.env(), &Request::default());
    assert!(base(&found).is_err_and(|e| e.starts_with("Dockerfile: ") && e.contains("limit")), "{:?}", base(&found));
    assert_eq!(found.passed_over, [base(&found).unwrap_err()]);
    // Nor does the next one count in its place.
    repo.write("Containerfile", vec![b'#'; attest::model::limits::TEXT_FILE_BYTES + 1]);
    repo.write("Dockerfile", format!("FROM {}\n", image(1)));
    assert!(base(&context(&repo.env(), &Request::default())).is_err());
    repo.write("Containerfile", format!("FROM {}\n", image(2)));
    assert_eq!(base(&context(&repo.env(), &Request::default())), Ok(&*"2".repeat(64)));
}

/// What is built in a folder is its project, and else that of the nearest folder above.
#[test]
fn in_a_folder_its_own_files_count_before_those_above() {
    let lock = |name: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"registry+https://r.example\"\n")
    };
    let repo = Repo::new();
    repo.write("../Cargo.lock", lock("outside"));
    repo.write("../Dockerfile", format!("FROM {}\n", image(9)));
    repo.write("Cargo.lock", lock("top"));
    repo.write("Dockerfile", format!("FROM {}\n", image(1)));
    repo.write("web/package-lock.json", r#"{"lockfileVersion":3,"packages":{"node_modules/web":{"version":"1.0.0"}}}"#);
    repo.write("web/server/Cargo.lock", lock("server"));
    repo.write("web/server/Dockerfile", format!("ARG B={}\nFROM $B\n", image(2)));
    repo.write("web/server/src/main.rs", "");
    let at = |dir: &str| context(&env_in(&repo.root.join(dir)), &Request::default());
    for (dir, files, digest, source) in [
        ("", &["Cargo.lock"][..], 1, "Dockerfile, last FROM"),
        ("dir", &["Cargo.lock"], 1, "Dockerfile, last FROM"),
        ("web", &["Cargo.lock", "web/package-lock.json"], 1, "Dockerfile, last FROM"),
        (
            "web/server",
            &["web/server/Cargo.lock", "web/package-lock.json"],
            2,
            "web/server/Dockerfile, last FROM, with the default of ARG B",
        ),
        (
            "web/server/src",
            &["web/server/Cargo.lock", "web/package-lock.json"],
            2,
            "web/server/Dockerfile, last FROM, with the default of ARG B",
        ),
    ] {
        let found = at(dir);
        assert_eq!(found.lock_files.value().unwrap(), files, "{dir}");
        assert_eq!(base(&found), Ok(&*digest.to_string().repeat(64)), "{dir}");
        assert_eq!(row(&found.explain(), "base-image").source.as_deref(), Some(source), "{dir}");
    }
    let named: Vec<_> = at("web/server/src").dependencies.iter().filter_map(|d| d.uri().map(str::to_owned)).collect();
    let place = "git+https://github.com/acme/app@refs/heads/main#web/server/Cargo.lock";
    assert!(named.iter().any(|uri| uri == place), "{named:?}");
    // A file that is named is read from where it is named, and once.
    let twice = vec!["../Cargo.lock".into(), "./../Cargo.lock".into()];
    let found = context(&env_in(&repo.root.join("dir")), &Request { dependencies: twice, ..Request::default() });
    assert_eq!(found.lock_files.value().unwrap(), &["Cargo.lock"]);
    let above = Request { dependencies: vec!["../../Cargo.lock".into()], ..Request::default() };
    let found = context(&env_in(&repo.root.join("web/server")), &above);
    let files = ["web/server/Cargo.lock", "web/package-lock.json", "Cargo.lock"];
    assert_eq!(found.lock_files.value().unwrap(), &files);
}

/// Input after public reports of others, which its own tools accept.
#[test]
fn inputs_of_public_reports() {
    let Some(reports) = vectors("reports") else {
        println!("skipped: ../shared/vectors/reports is not there");
        return;
    };
    let at = |id: &str, file: &str| {
        let repo = Repo::new();
        repo.write(file, std::fs::read(reports.join(id).join(file)).unwrap());
        let found = context(&repo.env(), &Request::default());
        assert!(found.unread_lock_files.is_empty(), "{id}: {:?}", found.unread_lock_files);
        found
    };
    assert_eq!(packages(&at("L01", "package-lock.json")), ["pkg:npm/jest-resolve"]);
    assert_eq!(packages(&at("L02", "package-lock.json")).len(), 7);
    let several = at("L04", "package-lock.json");
    assert_eq!(packages(&several).len(), 1);
    let package = several.dependencies.iter().find(|d| d.uri().is_some_and(|u| u.starts_with("pkg:npm/a"))).unwrap();
    assert!(package.digest().is_none() && package.annotations()["integrity"].as_str().unwrap().contains(' '));
    let six = at("L06", "uv.lock");
    let six = six.dependencies.iter().find(|d| d.uri().is_some_and(|u| u.starts_with("pkg:pypi/six"))).unwrap();
    assert_eq!(six.digest().unwrap().get("md5"), Some("529d7fd7e14612ccde86417b4402d6f3"));
    assert_eq!(at("L10", "flake.lock").nix.value().unwrap(), &format!("nixpkgs#{}", "2".repeat(40)));
    for (file, index) in [("package-lock.json", "npm.acme.example"), ("uv.lock", "pypi.acme.example")] {
        let found = at("L13", file);
        let with = packages(&found).into_iter().filter(|uri| uri.contains("repository_url=") && uri.contains(index));
        assert_eq!(with.count(), 1, "{file}: {:?}", packages(&found));
    }
    assert_eq!(base(&at("D01", "Dockerfile")), Ok(&*"2".repeat(64)));
    assert_eq!(base(&at("D03", "Dockerfile")), Ok(&*"1".repeat(64)));
}
