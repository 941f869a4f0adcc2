//! The session file of Claude Code: `~/.claude/projects/FOLDER/SESSION.jsonl`, where FOLDER is the working folder with
//! everything but letters and digits as `-`. It grows while the session goes on, so it is digested up to its size.

use crate::capture::Captured;
use crate::capture::agent::trail::{Scene, Trail};
use crate::model::{DigestSet, ResourceDescriptor, limits};
use serde_json::{Map, Value, json};
use std::path::{Component, Path, PathBuf};

pub(super) struct ClaudeCode;

/// Set by Claude Code in what it runs.
const SESSION: &str = "CLAUDE_CODE_SESSION_ID";

impl Trail for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code-session"
    }

    fn find(&self, scene: &Scene<'_>) -> Captured<Vec<ResourceDescriptor>> {
        let (id, from) = match (&scene.agent.session, scene.env.variable(SESSION)) {
            (_, Some(id)) => (id, SESSION),
            (Captured::Found { value, source }, None) => (value.as_str(), source.as_str()),
            (Captured::Absent { .. }, None) => return Captured::absent("no session is known"),
        };
        if !is_session(id) {
            return Captured::absent(&format!("the session of {from} has no form that names a session file"));
        }
        let Some(home) = scene.env.variable("HOME").map(Path::new).filter(|h| h.is_absolute()) else {
            return Captured::absent("HOME is not set");
        };
        let config = match scene.env.variable("CLAUDE_CONFIG_DIR").map(Path::new) {
            None => Path::new(".claude"),
            Some(folder) => match folder.strip_prefix(home) {
                Ok(below) if below.components().all(|c| matches!(c, Component::Normal(_))) => below,
                _ => return Captured::absent("CLAUDE_CONFIG_DIR is not below HOME; nothing there was read"),
            },
        };
        for folder in folders(scene) {
            let below: PathBuf = [config, Path::new("projects"), Path::new(&folder)].iter().collect();
            let below = below.join(format!("{id}.jsonl"));
            let shown = format!("~/{}", below.display());
            return match scene.checkout.private_file(home, &below, limits::TRAIL_BYTES, &mut |_| {}) {
                Ok(None) => continue,
                Err(reason) => Captured::absent(&format!("{shown}: {reason}")),
                Ok(Some(file)) => {
                    // Where it lies says who works here, so the address is the session's alone.
                    let mut descriptor = ResourceDescriptor::at(format!("claude-code:{id}"))
                        .named(self.name())
                        .digest_of(DigestSet::of(&file.digest))
                        .media_type_of("application/jsonl")
                        .annotated("size", file.size);
                    if file.growing {
                        descriptor = descriptor.annotated("growing", true);
                    }
                    Captured::found(vec![descriptor], &format!("the session file in HOME, by {from}"))
                }
            };
        }
        Captured::absent(&format!("no session file of the session of {from} below ~/{}/projects", config.display()))
    }

    fn read(&self, _: &[u8]) -> Map<String, Value> {
        Map::from_iter([("format".to_owned(), json!("jsonl"))])
    }
}

/// Ids are UUIDs; nothing that could lead to another folder is one.
fn is_session(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (8..=64).contains(&id.len()) && !id.starts_with('-') && id.bytes().all(plain)
}

/// Names of the working folder and of those above it, up to the top of the checkout: a session belongs to where it began.
fn folders(scene: &Scene<'_>) -> Vec<String> {
    let dir = &scene.env.working_dir;
    let real = scene.git.root.as_deref();
    let above = dir.ancestors().take(limits::FOLDERS_ABOVE);
    let mut all: Vec<String> = match real {
        Some(root) if dir.starts_with(root) => above.take_while(|a| a.starts_with(root)).map(name).collect(),
        Some(root) => vec![name(dir), name(root)],
        None => vec![name(dir)],
    };
    // A file's name is no longer than that; what the agent makes of a longer one is not known.
    all.retain(|n| n.len() <= 200);
    all.dedup();
    all
}

fn name(folder: &Path) -> String {
    let text = folder.to_string_lossy();
    // As the agent counts characters: in UTF-16.
    let units = text.encode_utf16().map(|u| u8::try_from(u).ok().map(char::from));
    units.map(|c| c.filter(char::is_ascii_alphanumeric).unwrap_or('-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_name_a_file() {
        for id in ["0199a213-81a0-7d60-8f62-1b3f0f0f0f0f", "abcdef01"] {
            assert!(is_session(id), "{id}");
        }
        for id in
            ["", "..", "../../x", "a/../../etc/passwd", ".hidden-file", "-rf-rf-rf", "short", "id.jsonl-x", "é-é-é-é-é"]
        {
            assert!(!is_session(id), "{id}");
        }
        assert!(!is_session(&"a".repeat(65)));
    }

    #[test]
    fn a_folder_is_named_as_the_agent_names_it() {
        assert_eq!(name(Path::new("/home/me/my_app.rs")), "-home-me-my-app-rs");
        assert_eq!(name(Path::new("/é/𝒳")), "-----");
    }
}
