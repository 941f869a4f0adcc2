//! What BuildKit's own reader answers, case by case. The interop case `container-files` asks that reader, with the same
//! table: a file, with `D1` to `D3` for images with a digest, and what it is built on, with the arguments whose defaults are
//! part of it; `!` and a part of the reason where the file does not say, and `!!` where no builder takes it.

use super::base;

const TABLE: &str = include_str!("corpus.json");

#[test]
fn a_container_file_is_built_on_what_buildkit_builds_it_on() {
    let image = |i: usize| format!("r.example/b{i}@sha256:{}", i.to_string().repeat(64));
    let filled = |text: &str| (1..=3).fold(text.to_owned(), |t, i| t.replace(&format!("D{i}"), &image(i)));
    let table: Vec<[String; 2]> = serde_json::from_str(TABLE).unwrap();
    for [file, expected] in &table {
        let found = base(filled(file).as_bytes());
        match (expected.strip_prefix('!'), &found) {
            (Some(reason), Err(found)) => {
                assert_eq!(reason.starts_with('!'), found.starts_with("no builder takes it"), "{file:?}: {found}");
                assert!(found.contains(reason.trim_start_matches('!')), "{file:?}: {found}");
            }
            (None, Ok(base)) => {
                let defaults: String = base.defaults.iter().map(|name| format!(" {name}")).collect();
                assert_eq!(format!("{}{defaults}", base.image), filled(expected), "{file:?}");
            }
            _ => panic!("{file:?}: {expected} expected, {found:?} found"),
        }
    }
}

#[test]
fn a_line_that_buildkit_does_not_take_is_refused() {
    let file = |len: usize| format!("FROM a\n#{}\n", "x".repeat(len - 1));
    assert_eq!(base(file(65_535).as_bytes()).unwrap().image, "a");
    assert!(base(file(65_536).as_bytes()).unwrap_err().contains("65535 bytes"));
}
