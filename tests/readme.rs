//! What README and the example policies show is what the program reads.

#![expect(clippy::disallowed_methods, reason = "reads the documents of the repository")]

use std::fs;
use std::path::Path;

use attest::policy;
use attest::trust::PublicKey;

/// A key that stands for every path a policy names.
const KEY: &[u8] = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn parse(text: &str, origin: &str) -> Result<policy::Policy, String> {
    policy::parse(text, origin, &|_| PublicKey::from_pem(KEY).map_err(|error| error.to_string()))
        .map_err(|error| format!("{origin}: {error}"))
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fenced blocks of a language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    markdown.split(&open).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_policy_of_readme_is_one() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let policies: Vec<&str> =
        blocks(&readme, "yaml").into_iter().filter(|block| block.contains("kind: AttestationPolicy")).collect();
    assert!(!policies.is_empty(), "README.md shows no policy");
    for text in policies {
        parse(text, "README.md").unwrap();
        let misspelt = text.replace("allowDirty", "allowDirt");
        assert_ne!(misspelt, text);
        parse(&misspelt, "README.md").unwrap_err();
    }
}

#[test]
fn the_example_policies_are_policies() {
    let mut count = 0;
    for entry in fs::read_dir(top().join("examples/policies")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let policy = parse(&text, &path.display().to_string()).unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy();
        assert_eq!(policy.name, stem, "an example is named after its file");
        count += 1;
    }
    assert!(count >= 3, "{count} examples");
}
