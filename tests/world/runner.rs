//! A runner of workflows as far as a step sees it: the files that it names, and what it makes of them and of the log.
#![allow(dead_code, reason = "each test target uses a part of it")]

use crate::world::{PASSWORD, World};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A step's world: a checkout with keys and files, and the runner's folder.
pub(crate) struct Runner {
    pub(crate) world: World,
    temp: tempfile::TempDir,
}

/// A step that ran.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// What later steps see as outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// What was added to the job summary.
    pub(crate) summary: String,
    /// The commands that the runner obeys, each as name, title and message.
    pub(crate) commands: Vec<(String, String, String)>,
}

impl Runner {
    pub(crate) fn new() -> Self {
        Self { world: World::new(), temp: tempfile::tempdir().unwrap() }
    }

    /// With nothing in it.
    pub(crate) fn without_keys() -> Self {
        Self { world: World::empty(), temp: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.temp.path().join(name).display().to_string()
    }

    /// The variables that every step is given.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let files = [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")];
        let mut out: Vec<_> = files.iter().map(|(name, file)| ((*name).to_owned(), self.path(file))).collect();
        out.push(("RUNNER_TEMP".into(), self.temp.path().display().to_string()));
        out.extend([("GITHUB_ACTIONS".into(), "true".into()), ("CI".into(), "true".into())]);
        out
    }

    /// Runs a step with these inputs, by their names, and further variables.
    pub(crate) fn step(&self, action: &str, inputs: &[(&str, &str)], more: &[(&str, &str)]) -> Ran {
        let mut variables = self.variables();
        for (name, value) in inputs {
            let name = match *name {
                "password" => "ATTEST_PASSWORD".to_owned(),
                name => format!("ATTEST_INPUT_{}", name.replace('-', "_").to_uppercase()),
            };
            variables.push((name, (*value).to_owned()));
        }
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        for file in ["output", "summary"] {
            fs::write(self.path(file), "").unwrap();
        }
        let out = self.world.attest_with(&variables, &["action", action, "--timeout", "20s"]);
        let read = |file: &str| fs::read_to_string(self.path(file)).unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        Ran {
            code: out.status.code().unwrap_or(-1),
            commands: commands(&text),
            out: text,
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
            outputs: outputs(&read("output")),
            summary: read("summary"),
        }
    }

    /// Runs `action create` with the key of the world and these inputs.
    pub(crate) fn create(&self, inputs: &[(&str, &str)]) -> Ran {
        let key = self.world.read("attest.key");
        self.step("create", &[&[("key", key.as_str()), ("password", PASSWORD)], inputs].concat(), &[])
    }

    pub(crate) fn temp(&self) -> PathBuf {
        self.temp.path().to_owned()
    }
}

impl Ran {
    /// It ended well, and the runner obeyed nothing.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert!(self.code == 0 && self.commands.is_empty(), "{self:#?}");
        self
    }

    /// It ended with this code and one annotation, whose title names `code`.
    #[track_caller]
    pub(crate) fn failed(self, exit: i32, code: &str) -> Self {
        assert_eq!(self.code, exit, "{self:#?}");
        let [(name, title, _)] = self.commands.as_slice() else { panic!("not one annotation: {self:#?}") };
        assert_eq!((name.as_str(), title.as_str()), ("error", format!("attest: {code}").as_str()), "{self:#?}");
        self
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    pub(crate) fn annotation(&self) -> &str {
        &self.commands[0].2
    }
}

/// A file of outputs as the runner reads it; what is none is a failure of the step.
pub(crate) fn outputs(text: &str) -> BTreeMap<String, String> {
    let (mut out, mut lines) = (BTreeMap::new(), text.split('\n'));
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (name, end) = line.split_once("<<").filter(|(n, _)| !n.contains('=')).unwrap_or_else(|| panic!("{line}"));
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
        out.insert(name.to_owned(), value.join("\n"));
    }
    out
}

/// The commands that a runner obeys in a log: none between `stop-commands` and its token.
pub(crate) fn commands(log: &str) -> Vec<(String, String, String)> {
    let undo = |t: &str| {
        let t = t.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r");
        t.replace("%25", "%")
    };
    let (mut out, mut stopped) = (Vec::new(), None::<String>);
    for line in log.split(['\n', '\r']) {
        assert!(!line.contains("##["), "the old form of a command: {line}");
        let Some((head, message)) = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::")) else {
            continue;
        };
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        match &stopped {
            Some(token) if name == token => stopped = None,
            Some(_) => {}
            None if name == "stop-commands" => stopped = Some(message.to_owned()),
            None => {
                let title = properties.split_once("title=").map(|(_, title)| title).unwrap_or_default();
                out.push((name.to_owned(), undo(title), undo(message)));
            }
        }
    }
    assert_eq!(stopped, None, "commands stay stopped: {log}");
    out
}
