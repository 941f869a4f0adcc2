//! Lock files as untrusted bytes: the reader for [`super::fuzz`], and one good file of each format.

use crate::capture;
use crate::model::ResourceDescriptor;
use crate::model::json::Field;

pub(super) fn read(name: &str, bytes: &[u8]) -> bool {
    let format = capture::input::lockfiles::by_file_name(name).expect("a format of that name");
    let Ok(packages) = format.read(bytes) else { return false };
    let _ = format.nixpkgs(&packages);
    for package in &packages {
        let written = package.to_json();
        assert_eq!(ResourceDescriptor::from_json(&Field::root("d", &written)).as_ref(), Ok(package));
    }
    true
}

pub(super) const CARGO: &str = r#"version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = ["base64"]

[[package]]
name = "base64"
version = "0.22.1"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "72b3254f16251a8381aa12e40e3c4d2f0199f8c6508fbecb9d91f575e0fbb8c6"

[[package]]
name = "forked"
version = "1.0.0"
source = "git+https://github.com/acme/forked?branch=main#0123456789012345678901234567890123456789"
"#;

pub(super) const NPM: &str = r#"{
  "name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": { "name": "app", "version": "1.0.0", "dependencies": { "@acme/lib": "^1.0.0" } },
    "node_modules/@acme/lib": {
      "version": "1.0.0", "resolved": "https://npm.example/@acme/lib/-/lib-1.0.0.tgz",
      "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    },
    "node_modules/local": { "resolved": "packages/local", "link": true }
  }
}"#;

pub(super) const UV: &str = r#"version = 1
requires-python = ">=3.12"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }

[[package]]
name = "idna"
version = "3.10"
source = { registry = "https://pypi.example/simple" }
sdist = { url = "https://files.example/idna-3.10.tar.gz", hash = "sha256:12f65c9b470abda6dc35cf8e63cc574b1c52b11df2c86030af0ac09b01b13ea9", size = 190490 }
wheels = [
    { url = "https://files.example/idna-3.10-py3-none-any.whl", hash = "sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3", size = 70442 },
]
"#;

pub(super) const FLAKE: &str = r#"{
  "nodes": {
    "nixpkgs": {
      "locked": {
        "lastModified": 1700000000, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "owner": "NixOS", "repo": "nixpkgs", "rev": "0123456789012345678901234567890123456789", "type": "github"
      },
      "original": { "owner": "NixOS", "ref": "nixos-unstable", "repo": "nixpkgs", "type": "github" }
    },
    "root": { "inputs": { "nixpkgs": "nixpkgs" } }
  },
  "root": "root",
  "version": 7
}"#;
