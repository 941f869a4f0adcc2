//! Each shell block of README and docs is run as it stands, or the line before it says why not: `<!-- not run: WHY -->`.
//! Pages that show what is printed have a test of their own, in `guide`.

use crate::world::{PASSWORD, World};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Run by `guide`.
const SHOWN: [&str; 4] =
    ["docs/getting-started.md", "docs/tutorial-ci.md", "docs/tutorial-deploy.md", "docs/audit/incident.md"];

const MARK: &str = "<!-- not run: ";

/// Shell blocks of a page, and why one is not run.
fn blocks(page: &str) -> Vec<(&str, Option<&str>)> {
    let pieces: Vec<&str> = page.split("```sh\n").collect();
    let before = |prose: &'_ str| {
        let last = prose.trim_end().rsplit('\n').next().unwrap_or_default().to_owned();
        last.starts_with(MARK).then(|| prose.trim_end().len() - last.len() + MARK.len())
    };
    let pairs = pieces.iter().zip(pieces.iter().skip(1));
    let one = |(prose, rest): (&&'_ str, &&'_ str)| -> (&str, Option<&str>) {
        let start = rest.as_ptr() as usize - page.as_ptr() as usize;
        let code = &page[start..start + rest.find("```").expect("a block ends")];
        let begin = prose.as_ptr() as usize - page.as_ptr() as usize;
        let why = before(prose).map(|at| page[begin + at..].split("-->").next().unwrap_or_default().trim());
        (code, why)
    };
    pairs.map(one).collect()
}

fn pages(top: &Path) -> Vec<PathBuf> {
    let mut out = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(top.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            match path.extension() {
                None => folders.push(path),
                Some(end) if end == "md" => out.push(path),
                Some(_) => {}
            }
        }
    }
    out.sort();
    out
}

/// A checkout as a reader has one, with what the pages name.
fn checkout() -> World {
    let world = World::empty();
    world.repository();
    world.write("Makefile", "dist/app:\n\tmkdir -p dist\n\techo built > dist/app\n");
    world
}

fn run(world: &World, code: &str) -> Result<(), String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_attest"));
    let path = std::env::var_os("PATH").unwrap();
    let path =
        std::env::join_paths(std::iter::once(binary.parent().unwrap().to_owned()).chain(std::env::split_paths(&path)));
    let mut shell = Command::new("sh");
    shell.args(["-ec", code]).current_dir(world.root()).env_clear().env("PATH", path.unwrap());
    shell.env("HOME", world.home()).env("ATTEST_PASSWORD", PASSWORD).env("ATTEST_CHARTER_SNAPSHOT", "none");
    let out = shell.output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout.as_slice(), &out.stderr].concat()).into_owned();
    if out.status.success() { Ok(()) } else { Err(format!("{}: {said}", out.status)) }
}

#[test]
fn each_shell_block_is_run_or_says_why_not() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut ran, mut failed) = (0, Vec::new());
    for page in pages(top) {
        let name = page.display().to_string();
        if SHOWN.contains(&name.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(top.join(&page)).unwrap();
        let world = checkout();
        for (code, why) in blocks(&text) {
            match why {
                Some(why) if why.len() < 10 => failed.push(format!("{name}: no reason: {code}")),
                Some(_) => {}
                None => {
                    ran += 1;
                    failed.extend(run(&world, code).err().map(|e| format!("{name}: {code}{e}")));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(ran >= 4, "{ran} blocks ran");
}

#[test]
fn a_mark_is_of_the_block_behind_it_alone() {
    let page = "a\n\n<!-- not run: there is no cluster -->\n```sh\none\n```\n\nb\n\n```sh\ntwo\n```\n```text\nx\n```\n";
    assert_eq!(blocks(page), [("one\n", Some("there is no cluster")), ("two\n", None)]);
    let world = checkout();
    assert!(run(&world, "attest --version\n").is_ok() && run(&world, "attest verify gone\ntrue\n").is_err());
}
