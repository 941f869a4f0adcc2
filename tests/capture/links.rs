//! A checkout reads nothing outside itself: links under every name that is read, by every component of a path.

use crate::explain::{context, row};
use crate::repo::Repo;
use attest::capture::{CaptureError, Context, Local, Request, capture};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

/// What stands outside, and must be found nowhere.
const TOKEN: &str = "s3cret-token-of-the-machine";

/// A checkout beside a folder of files that are none of its business.
fn scene() -> Repo {
    let repo = Repo::new();
    let outside = repo.outside().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("token"), format!("{TOKEN}\n")).unwrap();
    std::fs::write(outside.join("pin"), format!("{TOKEN}\n")).unwrap();
    let lock =
        format!("[[package]]\nname = \"{TOKEN}\"\nversion = \"1.0.0\"\nsource = \"registry+https://r.example\"\n");
    std::fs::write(outside.join("Cargo.lock"), lock).unwrap();
    let image = format!("FROM r.example/{TOKEN}@sha256:{}\n", "a".repeat(64));
    std::fs::write(outside.join("Dockerfile"), image).unwrap();
    repo
}

/// Every way for a link at `name` to lead to the file `to` of the outside.
fn plant(repo: &Repo, name: &str, to: &str, variant: usize) {
    let root = &repo.root;
    let outside = repo.outside().join("outside");
    match variant {
        0 => symlink(outside.join(to), root.join(name)).unwrap(),
        1 => symlink(format!("../outside/{to}"), root.join(name)).unwrap(),
        // Over a folder that is a link.
        2 => {
            symlink(&outside, root.join("linkdir")).unwrap();
            symlink(format!("linkdir/{to}"), root.join(name)).unwrap();
        }
        // Over a second link, and in again and out.
        3 => {
            symlink(format!("dir/../../checkout/../outside/{to}"), root.join("second")).unwrap();
            symlink("dir/../second", root.join(name)).unwrap();
        }
        // Over the machine's own names for a process's folders.
        _ => {
            symlink(format!("/proc/self/cwd/../../../../../../..{}/{to}", outside.display()), root.join(name)).unwrap()
        }
    }
}

fn refused(repo: &Repo, request: &Request) -> CaptureError {
    capture(request, &repo.env(), &Local::default()).unwrap_err()
}

fn shown(context: &Context) -> String {
    format!("{:?} {}", context.explain(), context.provenance().to_json_text())
}

trait Text {
    fn to_json_text(&self) -> String;
}
impl Text for attest::predicate::Provenance {
    fn to_json_text(&self) -> String {
        serde_json::to_string(&self.to_json()).unwrap()
    }
}

#[test]
fn a_file_that_nobody_asked_for_is_passed_over_where_it_leads_out() {
    for (name, to) in [
        (".attest.yaml", "token"),
        ("Cargo.lock", "Cargo.lock"),
        ("package-lock.json", "token"),
        ("uv.lock", "token"),
        ("flake.lock", "token"),
        ("Dockerfile", "Dockerfile"),
        ("Containerfile", "Dockerfile"),
    ] {
        for variant in 0..5 {
            let repo = scene();
            plant(&repo, name, to, variant);
            let found = context(&repo.env(), &Request::default());
            let text = shown(&found);
            assert!(!text.contains(TOKEN), "{name} {variant}: {text}");
            let rows = found.explain();
            let named = row(&rows, "source.passedOver").value.clone().unwrap().to_string();
            assert!(
                named.contains(&format!("file {name}: ")) && named.contains("leads out"),
                "{name} {variant}: {named}"
            );
            assert!(found.passed_over.len() == 1, "{name} {variant}: {:?}", found.passed_over);
        }
    }
}

#[test]
fn links_that_stay_inside_work_as_ever() {
    let repo = scene();
    let image = format!("FROM r.example/base@sha256:{}\n", "a".repeat(64));
    repo.write("deep/er/project.yaml", "agent: squad/agent\nmaterials: [deep/link, 'nar:folder/er', up]\n");
    repo.write("deep/Dockerfile", image);
    repo.write("deep/er/Cargo.lock", "version = 4\n");
    symlink("deep/er/project.yaml", repo.root.join(".attest.yaml")).unwrap();
    symlink("folder/Dockerfile", repo.root.join("Dockerfile")).unwrap();
    symlink("deep", repo.root.join("folder")).unwrap();
    // By the whole path, and over the parent of a folder inside.
    symlink(repo.root.join("folder/er/Cargo.lock"), repo.root.join("Cargo.lock")).unwrap();
    symlink("../a.txt", repo.root.join("deep/link")).unwrap();
    symlink("deep/er/../../deep/../a.txt", repo.root.join("up")).unwrap();
    let found = context(&repo.env(), &Request::default());
    assert_eq!(found.passed_over, [] as [String; 0]);
    assert_eq!(found.agent.id.value().map(String::as_str), Some("squad/agent"));
    assert_eq!(found.lock_files.value(), Some(&vec!["Cargo.lock".to_owned()]));
    assert!(found.base_image.value().is_some());
    let digests: Vec<_> =
        found.dependencies.iter().filter_map(|d| Some((d.name()?, d.digest()?.get("sha256")?))).collect();
    let a = attest::model::DigestSet::sha256(b"a\n");
    assert!(digests.contains(&("deep/link", a.get("sha256").unwrap())), "{digests:?}");
    assert!(digests.contains(&("up", a.get("sha256").unwrap())), "{digests:?}");
    let plain = attest::capture::input::nar::hash(&repo.root.join("deep/er")).unwrap();
    let nar = found.dependencies.iter().find_map(|d| d.nar_hash());
    let expected = attest::model::ResourceDescriptor::at("deep/er").nar_hash_of(&plain);
    assert!(nar.is_some() && nar == expected.nar_hash());
}

#[test]
fn no_material_leads_out_of_the_checkout() {
    let planted = |text: &str| {
        let repo = scene();
        let outside = repo.outside().join("outside");
        symlink(outside.join("token"), repo.root.join("link")).unwrap();
        symlink("../outside", repo.root.join("linkdir")).unwrap();
        symlink("../linkdir", repo.root.join("dir/again")).unwrap();
        symlink("..", repo.root.join("dir/up")).unwrap();
        symlink("dir", repo.root.join("same")).unwrap();
        // By its text it climbs no higher than the top.
        symlink("dir/up/../outside/token", repo.root.join("climb")).unwrap();
        repo.write(".attest.yaml", format!("materials: ['{text}']\n"));
        repo
    };
    for text in [
        "link",
        "linkdir/pin",
        "nar:linkdir/pin",
        "nar:dir/again/pin",
        "x=link",
        "dir/up/linkdir/pin",
        "same/up/link",
        "climb",
    ] {
        let repo = planted(text);
        let e = refused(&repo, &Request::default());
        assert_eq!(e.code().as_str(), "leads-out-of-checkout", "{text}: {e}");
        // By flag as well: the checkout has chosen what the name stands for.
        repo.write(".attest.yaml", "agent: squad/agent\n");
        let e = refused(&repo, &Request { materials: vec![text.to_owned()], ..Request::default() });
        assert_eq!(e.code().as_str(), "leads-out-of-checkout", "{text}: {e}");
        assert!(!e.to_string().contains(TOKEN));
    }
    for text in ["a.txt", "dir/b.txt", "same/b.txt", "nar:same/b.txt", "nar:link", "x=dir/up/a.txt", "nar:."] {
        context(&planted(text).env(), &Request::default());
    }
    // Whoever runs this may name a file outside by its own path.
    let repo = planted("a.txt");
    for path in ["../outside/token".to_owned(), repo.outside().join("outside/token").display().to_string()] {
        let found = context(&repo.env(), &Request { materials: vec![path], ..Request::default() });
        assert!(found.dependencies.iter().any(|d| d.name() == Some("token")));
    }
}

#[test]
fn named_files_and_globs_do_not_lead_out_either() {
    let repo = scene();
    symlink("../outside", repo.root.join("linkdir")).unwrap();
    symlink("../outside/token", repo.root.join("charter.txt")).unwrap();
    let dependencies = Request { dependencies: vec!["linkdir/Cargo.lock".into()], ..Request::default() };
    let charter = Request { charter: Some("charter.txt".into()), ..Request::default() };
    for request in [dependencies, charter] {
        let e = refused(&repo, &request);
        assert_eq!(e.code().as_str(), "leads-out-of-checkout", "{e}");
        assert!(!e.to_string().contains(TOKEN));
    }
    // What a glob met is passed over, and no name from outside is told.
    let found = context(&repo.env(), &Request { materials: vec!["*/*".into()], ..Request::default() });
    let names: Vec<_> = found.dependencies.iter().filter_map(|d| d.name()).collect();
    assert!(names.contains(&"dir/b.txt"), "{names:?}");
    assert_eq!(found.passed_over, ["linkdir: it leads out of the checkout, and was not followed"]);
    assert!(!shown(&found).contains("pin"), "{}", shown(&found));
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    for name in [".attest.yaml", "Cargo.lock", "package-lock.json", "Dockerfile", ".npmrc"] {
        let repo = scene();
        let fifo = repo.root.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        symlink("pipe", repo.root.join(name)).unwrap();
        let began = Instant::now();
        let found = context(&repo.env(), &Request::default());
        assert!(began.elapsed() < Duration::from_secs(60), "{name}");
        assert!(name == ".npmrc" || found.passed_over == [format!("{name}: it is a FIFO, and was not read")]);
        let e = refused(&repo, &Request { materials: vec!["pipe".into()], ..Request::default() });
        assert_eq!(e.code().as_str(), "not-a-regular-file");
    }
}

/// A link inside the checkout may stand for a file of secrets that nobody committed.
#[test]
fn errors_about_files_of_a_checkout_quote_no_value() {
    let lock = "lockfileVersion";
    let cases = [
        (".attest.yaml", TOKEN.to_owned()),
        (".attest.yaml", format!("agent: [{TOKEN}]\n{TOKEN}: x\n")),
        (".attest.yaml", format!("{TOKEN}: x\n")),
        (".attest.yaml", format!("agent: \"{TOKEN}\n")),
        (".attest.yaml", format!("materials: [/{TOKEN}]\n")),
        (".attest.yaml", format!("materials: [{TOKEN}]\n")),
        (".attest.yaml", format!("materials: ['x=https://h.example/{TOKEN}']\n")),
        ("Cargo.lock", TOKEN.to_owned()),
        ("Cargo.lock", format!("version = \"{TOKEN}\"\n")),
        ("Cargo.lock", format!("[[package]]\nname = \"{TOKEN} x\"\nversion = \"1\"\n")),
        ("Cargo.lock", format!("password = {TOKEN}\n")),
        ("package-lock.json", format!("\"{TOKEN}\"")),
        ("package-lock.json", format!("{{\"{lock}\":\"{TOKEN}\"}}")),
        (
            "package-lock.json",
            format!("{{\"{lock}\":3,\"packages\":{{\"node_modules/a\":{{\"version\":\"{TOKEN} x\"}}}}}}"),
        ),
        (
            "package-lock.json",
            format!(
                "{{\"{lock}\":3,\"packages\":{{\"node_modules/a\":{{\"version\":\"1\",\"integrity\":\"{TOKEN}\"}}}}}}"
            ),
        ),
        (
            "uv.lock",
            format!(
                "version = 1\n[[package]]\nname = \"a\"\nsource = {{ registry = \"r\" }}\nsdist = {{ hash = \"{TOKEN}\" }}\n"
            ),
        ),
        (
            "flake.lock",
            format!(
                "{{\"version\":7,\"root\":\"r\",\"nodes\":{{\"r\":{{}},\"n\":{{\"locked\":{{\"type\":\"{TOKEN}\"}}}}}}}}"
            ),
        ),
        (
            "flake.lock",
            format!(
                "{{\"version\":7,\"root\":\"r\",\"nodes\":{{\"r\":{{}},\"n\":{{\"locked\":{{\"type\":\"git\",\"url\":\"u\",\"rev\":\"{TOKEN}\"}}}}}}}}"
            ),
        ),
    ];
    let asked_nothing = Request::default();
    for (name, text) in cases {
        let repo = Repo::new();
        repo.write(".env", &text);
        symlink(".env", repo.root.join(name)).unwrap();
        // A lock file is named by hand, so that what is wrong with it is an error.
        let named = Request { dependencies: vec![name.into()], ..Request::default() };
        let e = refused(&repo, if name == ".attest.yaml" { &asked_nothing } else { &named });
        assert!(e.to_string().contains(name), "{e}");
        assert!(!e.to_string().contains(TOKEN) && !format!("{e:?}").contains(TOKEN), "{name}: {text}: {e}");
        if name != ".attest.yaml" {
            let found = context(&repo.env(), &Request::default());
            let text = format!("{} {:?}", shown(&found), found.doubts());
            assert!(!text.contains(TOKEN) && text.contains("packagesAbsent"), "{name}: {text}");
        }
    }
    let sums = format!("{TOKEN}\n");
    let e = attest::capture::from_checksums("SHA256SUMS", sums.as_bytes()).unwrap_err();
    assert!(!e.to_string().contains(TOKEN), "{e}");
}

#[test]
fn a_loop_of_links_ends() {
    let repo = scene();
    symlink("b", repo.root.join("a")).unwrap();
    symlink("a", repo.root.join("b")).unwrap();
    let e = refused(&repo, &Request { materials: vec!["a".into()], ..Request::default() });
    assert_eq!(e.code().as_str(), "limit-exceeded", "{e}");
    assert!(Path::new(&repo.root).exists());
}

/// One large file, named as often as a project file has room for.
#[test]
fn a_file_that_is_named_many_times_is_hashed_once() {
    let repo = Repo::new();
    let file = std::fs::File::create(repo.root.join("big")).unwrap();
    file.set_len(12 << 20).unwrap();
    std::fs::create_dir(repo.root.join("folder")).unwrap();
    symlink("../big", repo.root.join("folder/link")).unwrap();
    symlink("big", repo.root.join("link")).unwrap();
    let names = ["big", "./big", "link", "folder/link", "nar:big", "nar:./big"];
    let named = |count: usize| {
        let all: Vec<String> = (0..count).map(|i| format!("n{i}={}", names[i % names.len()])).collect();
        repo.write(".attest.yaml", format!("materials: [{}]\n", all.join(", ")));
        let began = Instant::now();
        (context(&repo.env(), &Request::default()), began.elapsed())
    };
    let (_, once) = named(names.len());
    let (found, took) = named(3000);
    // In the same run on the same machine: each name hashed by itself takes five hundred times as long.
    assert!(took < once * 10 + Duration::from_secs(2), "{once:?} and {took:?}");
    assert_eq!(found.dependencies.len(), 3000);
    let digests: std::collections::HashSet<_> =
        found.dependencies.iter().map(|d| format!("{:?}", d.digest())).collect();
    assert_eq!(digests.len(), 2);
}

/// Searching the map for each of its keys took six seconds in a release, and far more here.
#[test]
fn many_keys_take_no_longer_than_as_many_values() {
    let repo = Repo::new();
    let keys: String = (0..49_000).map(|i| format!("field-{i:010}: x\n")).collect();
    assert!(keys.len() > 900 << 10);
    repo.write(".attest.yaml", &keys);
    let timed = || {
        let began = Instant::now();
        (refused(&repo, &Request::default()), began.elapsed())
    };
    let (e, with_keys) = timed();
    let values: String = (0..49_000).map(|i| format!("- field-{i:010}: x\n")).collect();
    repo.write(".attest.yaml", format!("field:\n{}", &values[..keys.len()].rsplit_once('\n').unwrap().0));
    let (_, with_values) = timed();
    // In the same run on the same machine: a hundred times as long is what the search takes.
    assert!(with_keys < with_values * 10 + Duration::from_secs(1), "{with_keys:?} and {with_values:?}");
    assert_eq!(
        e.to_string(),
        "`.attest.yaml` line 1: expected agent, taskPrefix, materials or require, found `field-0000000000`"
    );
    repo.write(".attest.yaml", keys + "field-0000000007: x\n");
    assert!(refused(&repo, &Request::default()).to_string().contains("line 49001"));
}
