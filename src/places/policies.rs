//! Which policies apply, and that nobody else could have written them.
#![expect(clippy::disallowed_methods, reason = "back end: where policies are")]

use super::{PlaceError, files, keys, ours};
use crate::evidence::plain;
use crate::model::limits;
use crate::policy::{self, Policy};
use std::path::{Path, PathBuf};

/// The folder of the system's policies: `policy.yaml` and its like, and `policies` when there are several. They apply
/// wherever they exist; nothing replaces them.
const SYSTEM: &str = "/etc/attest";
/// Endings of a policy's name, in whatever case.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];
/// Endings of files in a policy folder that are no policies: the keys that they name, and what explains them.
const BESIDE: [&str; 3] = [".pub", ".pem", ".md"];

/// Where policies are looked for.
#[derive(Clone, Debug)]
pub struct PolicyPlaces {
    /// The system's: each applies where it exists.
    pub system: Vec<PathBuf>,
    /// Those that flags name, or else `ATTEST_POLICY`: each must exist.
    pub named: Vec<PathBuf>,
    /// The user's: each applies where it exists and `named` is empty.
    pub user: Vec<PathBuf>,
}

impl PolicyPlaces {
    /// The places of this machine and user. Never one of the working folder: whoever wrote the checkout must not
    /// choose what it is checked against.
    #[must_use]
    pub fn of_process(flags: &[PathBuf]) -> Self {
        let named = match std::env::var_os("ATTEST_POLICY") {
            Some(v) if flags.is_empty() && !v.is_empty() => vec![PathBuf::from(v)],
            _ => flags.to_vec(),
        };
        let absolute = |v: &str| std::env::var_os(v).map(PathBuf::from).filter(|p| p.is_absolute());
        let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        let user = config.map(|c| in_folder(&c.join("attest"))).unwrap_or_default();
        let mut system = in_folder(Path::new(SYSTEM));
        system.push(Path::new(SYSTEM).join("policies"));
        Self { system, named, user }
    }

    /// Reads every policy that applies.
    ///
    /// # Errors
    /// [`PlaceError`]: a policy that is named and not there, cannot be read, is malformed, or could have been written by others.
    pub fn load(&self) -> Result<Vec<Policy>, PlaceError> {
        let mut out = Vec::new();
        for path in &self.system {
            // What cannot be told to be absent may be there: it must not be passed over.
            if files::exists(path)? {
                load(path, &mut out)?;
            }
        }
        for path in &self.named {
            load(path, &mut out)?;
        }
        for path in self.user.iter().filter(|_| self.named.is_empty()) {
            if files::exists(path)? {
                load(path, &mut out)?;
            }
        }
        Ok(out)
    }
}

/// The names that a folder's one policy may have: one that is passed over for its ending would not protect.
fn in_folder(folder: &Path) -> Vec<PathBuf> {
    ENDINGS.iter().map(|e| folder.join(format!("policy{e}"))).collect()
}

fn load(path: &Path, out: &mut Vec<Policy>) -> Result<(), PlaceError> {
    if !files::is_folder(path) {
        out.push(one(path)?);
        return Ok(());
    }
    let mut unknown = None;
    let found = files::list(path, limits::POLICIES, |entry| {
        let name = entry.to_string_lossy().to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e));
        let hidden = name.starts_with('.');
        let is_policy = !hidden && ends(&ENDINGS);
        if !(hidden || is_policy || ends(&BESIDE) || files::is_folder(&path.join(entry))) {
            unknown = Some(entry.to_owned());
        }
        is_policy
    })?;
    // Whoever put it there may have meant it to apply.
    if let Some(entry) = unknown {
        let (folder, found) = (path.display().to_string(), entry.to_string_lossy().into_owned());
        return Err(PlaceError::UnknownInFolder { folder, found });
    }
    if found.is_empty() {
        return Err(PlaceError::EmptyFolder { folder: path.display().to_string() });
    }
    found.iter().try_for_each(|f| {
        out.push(one(f)?);
        Ok(())
    })
}

fn one(path: &Path) -> Result<Policy, PlaceError> {
    // Links are followed once, here, so that what is checked is what is read.
    let real = ours::only(path, ours::is_read_only)?;
    let shown = path.display().to_string();
    let text = String::from_utf8(files::read(&real, limits::POLICY_BYTES)?)
        .map_err(|_| PlaceError::NotText { origin: shown.clone() })?;
    let folder = real.parent().unwrap_or_else(|| Path::new("/")).to_owned();
    let load_key = |name: &str| {
        let key = ours::only(&folder.join(name), ours::is_read_only).map_err(|e| e.to_string())?;
        keys::public_key(&key.to_string_lossy()).map_err(|e| e.to_string())
    };
    // Whoever wrote the checkout that a link stands in chose what it leads to: a file with a password, for one.
    let over_link = std::path::absolute(path).map_or(true, |typed| plain(&typed) != real);
    policy::parse(&text, &shown, &load_key).map_err(|source| {
        let source = if over_link { source.without_value() } else { source };
        PlaceError::Policy { origin: shown, source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----\\n";

    fn write(folder: &Path, name: &str) -> PathBuf {
        let text = format!(
            "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: {name}}}, spec: {{images: [{{glob: '**'}}], require: [{{signers: [{{key: \"{PEM}\"}}]}}]}}}}"
        );
        let path = folder.join(format!("{name}.yaml"));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn names(places: &PolicyPlaces) -> Result<Vec<String>, PlaceError> {
        Ok(places.load()?.into_iter().map(|p| p.name).collect())
    }

    #[test]
    fn the_systems_policy_always_applies_and_the_users_only_alone() {
        let dir = tempfile::tempdir().unwrap();
        let [system, named, user] = ["system", "named", "user"].map(|n| write(dir.path(), n));
        let mut places =
            PolicyPlaces { system: vec![system, dir.path().join("absent.yaml")], named: vec![named], user: vec![user] };
        assert_eq!(names(&places).unwrap(), ["system", "named"]);
        places.named.clear();
        assert_eq!(names(&places).unwrap(), ["system", "user"]);
        places.named = vec![dir.path().join("absent.yaml")];
        assert_eq!(names(&places).unwrap_err().code(), crate::model::code::FILE_UNREADABLE);
    }

    #[test]
    fn a_policy_that_cannot_be_looked_for_is_not_taken_for_absent() {
        let dir = tempfile::tempdir().unwrap();
        // A loop of links cannot be entered by anybody, root included.
        let folder = dir.path().join("attest");
        std::os::unix::fs::symlink(&folder, &folder).unwrap();
        let place =
            |p: &Path| PolicyPlaces { system: vec![p.join("policy.yaml")], named: Vec::new(), user: Vec::new() };
        assert_eq!(names(&place(&folder)).unwrap_err().code(), crate::model::code::FILE_UNREADABLE);
        assert!(names(&place(dir.path())).unwrap().is_empty());
    }

    #[test]
    fn a_policy_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "p");
        let places = PolicyPlaces { system: Vec::new(), named: vec![path.clone()], user: Vec::new() };
        assert!(names(&places).is_ok());
        let set = |p: &Path, mode| fs::set_permissions(p, fs::Permissions::from_mode(mode)).unwrap();
        set(&path, 0o666);
        assert_eq!(names(&places).unwrap_err().code(), super::super::POLICY_WRITABLE);
        set(&path, 0o644);
        set(dir.path(), 0o777);
        assert_eq!(names(&places).unwrap_err().code(), super::super::POLICY_WRITABLE);
        set(dir.path(), 0o755);
        assert!(names(&places).is_ok());
    }

    #[test]
    fn no_policy_of_a_folder_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("policies");
        fs::create_dir(&folder).unwrap();
        let text = fs::read(write(dir.path(), "p")).unwrap();
        let put = |name: &str, bytes: &[u8]| {
            fs::write(folder.join(name), bytes).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644)).unwrap();
        };
        let places = PolicyPlaces { system: vec![folder.clone()], named: Vec::new(), user: Vec::new() };
        for (name, count) in [("a.yaml", 1), ("b.YAML", 2), ("c.Yml", 3), ("d.json", 4), (".e.yaml", 4)] {
            put(name, &text);
            assert_eq!(names(&places).unwrap().len(), count, "{name}");
        }
        for name in ["k.pub", "k.PEM", "README.md", ".hidden"] {
            put(name, b"");
        }
        fs::create_dir(folder.join("keys")).unwrap();
        assert_eq!(names(&places).unwrap().len(), 4);
        for name in ["f.yaml.bak", "f.yaml~", "yaml", "f"] {
            put(name, &text);
            let failure = names(&places).unwrap_err();
            assert!(
                failure.code() == super::super::POLICY_UNKNOWN && failure.to_string().contains(&format!("`{name}`")),
                "{name}"
            );
            fs::remove_file(folder.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(folder.join("absent"), folder.join("f")).unwrap();
        assert_eq!(names(&places).unwrap_err().code(), super::super::POLICY_UNKNOWN);
    }

    #[test]
    fn the_one_policy_of_a_machine_or_user_may_have_any_ending() {
        let named = |paths: &[PathBuf]| paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
        let places = PolicyPlaces::of_process(&[]);
        let system = ["policy.yaml", "policy.yml", "policy.json", "policies"].map(|n| format!("/etc/attest/{n}"));
        assert_eq!(named(&places.system), system);
        let dir = tempfile::tempdir().unwrap();
        let yml = dir.path().join("policy.yml");
        fs::rename(write(dir.path(), "p"), &yml).unwrap();
        let user = PolicyPlaces { system: Vec::new(), named: Vec::new(), user: in_folder(dir.path()) };
        assert_eq!(names(&user).unwrap(), ["p"]);
        let system = PolicyPlaces { system: in_folder(dir.path()), named: Vec::new(), user: Vec::new() };
        assert_eq!(names(&system).unwrap(), ["p"]);
    }
}
