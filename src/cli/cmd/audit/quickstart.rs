//! `attest audit quickstart`

use crate::cli::cmd::quickstart::NOT_AS_EXPECTED;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::show::played::Played;
use crate::places::{self, Trial, files};
use clap::Args;
use std::path::{Path, PathBuf};

/// Try the audit log: no server, no network
///
/// Makes a log in a temporary folder, records an execution, proves a record to somebody who has only the key, finds a changed
/// byte and an old copy, and erases a person while every proof still holds. Each command is printed before it is
/// run.
#[derive(Clone, Debug, Args)]
pub(super) struct QuickstartArgs {
    /// Keep the temporary folder
    #[arg(long)]
    keep: bool,
}

struct Tour {
    trial: Trial,
    played: Played,
}

pub(super) fn run(args: &QuickstartArgs) -> Result<Outcome, Failure> {
    let failed =
        |e: &dyn std::fmt::Display| Failure::unknown(codes::FILE_UNWRITABLE, format!("the temporary folder: {e}"));
    let mut trial = Trial::new(places::environment()?.working_dir).map_err(|e| failed(&e))?;
    trial.here = trial.folder.clone();
    let tour = Tour { trial, played: Played::new() };
    let result = tour.all();
    if args.keep {
        tour.played.say(&format!("\nkept: {}", tour.trial.folder.display()));
    } else {
        tour.trial.remove().map_err(|e| failed(&e))?;
    }
    result?;
    Ok(Outcome::done(
        "\nDone: what was recorded was proven, two changes were found, and an erased person stays erased. Next: attest audit init\n",
    ))
}

impl Tour {
    fn all(&self) -> Result<(), Failure> {
        self.played.say("1. A log, for its owner alone.");
        self.step("log", &["init", "--origin", "audit.example/quickstart"], 0, "made the audit log")?;
        self.played.say("\n2. An agent works: what it did is recorded, not what it wrote.");
        let start = ["start", "--agent", "quickstart/you", "--execution", "exec-1", "--requested-by", "github:583231"];
        self.step("log", &start, 0, "exec-1")?;
        let action =
            ["record", "action", "execution_id=exec-1", "action_type=command_run", "command=cargo test", "exit_code=0"];
        self.step("log", &action, 0, "recorded as record")?;
        self.step("log", &["finish", "exec-1", "--status", "success"], 0, "ended")?;
        self.step("log", &["show", "exec-1"], 0, "command_run")?;
        self.step("log", &["verify"], 0, "OK audit.example/quickstart")?;

        self.played.say(
            "\n3. A checkpoint is kept elsewhere, and a receipt shows one field to somebody who has only the log's key.",
        );
        let checkpoint = self.step("log", &["checkpoint"], 0, "audit.example/quickstart")?;
        self.write("kept.checkpoint", checkpoint.as_bytes())?;
        self.step("log", &["prove", "1", "--field", "agent", "--output", "1.tlog-proof"], 0, "wrote")?;
        let key = self.key()?;
        self.step("nothing", &["verify", "--proof", "1.tlog-proof", "--log-key", &key], 0, "quickstart/you")?;

        self.played.say("\n4. Found: one byte of the journal was changed.");
        self.copy("log", "changed")?;
        let journal = Path::new("changed/journal/00000000000000000000");
        let mut bytes = self.read(journal)?;
        bytes[200] ^= 1;
        self.write("changed/journal/00000000000000000000", &bytes)?;
        self.step("changed", &["verify"], 1, "TAMPERED")?;

        self.played.say(
            "\n5. Found: an old copy was put in place of the log. By itself it is whole; the checkpoint kept elsewhere says more.",
        );
        self.copy("log", "old")?;
        self.step("log", &["record", "decision", "what=ship it", "reason=the tests pass"], 0, "recorded")?;
        let checkpoint = self.step("log", &["checkpoint"], 0, "audit.example/quickstart")?;
        self.write("kept.checkpoint", checkpoint.as_bytes())?;
        self.step("old", &["verify"], 0, "OK")?;
        self.step("old", &["verify", "--checkpoint", "kept.checkpoint"], 1, "TAMPERED")?;
        self.step("log", &["verify", "--checkpoint", "kept.checkpoint"], 0, "proved")?;

        self.played.say(
            "\n6. A person is erased: the key is destroyed, a signed redaction says so, and every proof still holds.",
        );
        self.step("log", &["erase", "--person", "github:583231", "--basis", "request-1"], 0, "keys destroyed")?;
        self.step("log", &["show", "1"], 0, "erased")?;
        self.step("log", &["verify", "--checkpoint", "kept.checkpoint"], 0, "OK")?;
        self.step("nothing", &["verify", "--proof", "1.tlog-proof", "--log-key", &key], 0, "OK record 1")?;
        Ok(())
    }

    /// Prints a command, runs this program with it, and compares how it ends; what it printed.
    fn step(&self, log: &str, args: &[&str], exit: i32, word: &str) -> Result<String, Failure> {
        let quoted: Vec<String> =
            args.iter().map(|a| if a.contains([' ', '+']) { format!("'{a}'") } else { (*a).to_owned() }).collect();
        self.played.command(&format!("attest audit --log {log} {}", quoted.join(" ")));
        let failed =
            |why: String| Failure::unknown(NOT_AS_EXPECTED, format!("`attest audit {}` {why}", args.join(" ")));
        let log = self.trial.folder.join(log).display().to_string();
        let all: Vec<&str> = ["audit", "--log", &log].into_iter().chain(args.iter().copied()).collect();
        let output = self.trial.run(&all, &[]).map_err(|e| failed(format!("could not be started: {e}")))?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        self.played.output(&(stdout.clone() + &String::from_utf8_lossy(&output.stderr)));
        if output.status.code() != Some(exit) {
            return Err(failed(format!("ended with {:?}, expected {exit}", output.status.code())));
        }
        if exit != 0 {
            self.played.output(&format!("(exit code {exit})"));
        }
        if stdout.contains(word) { Ok(stdout) } else { Err(failed(format!("did not say `{word}`"))) }
    }

    fn key(&self) -> Result<String, Failure> {
        let settings = crate::audit::Settings::parse(&self.read(Path::new("log/log.json"))?)?;
        Ok(settings.key.to_string())
    }

    fn read(&self, name: &Path) -> Result<Vec<u8>, Failure> {
        Ok(files::read(&self.trial.folder.join(name), crate::model::limits::JOURNAL_FILE_BYTES)?)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        Ok(files::replace(&self.trial.folder.join(name), bytes)?)
    }

    /// A copy of a log, as a backup has it.
    fn copy(&self, from: &str, to: &str) -> Result<(), Failure> {
        let copied = self.trial.copy(&PathBuf::from(from), &PathBuf::from(to));
        copied.map_err(|e| Failure::unknown(codes::FILE_UNWRITABLE, format!("a copy of the log: {e}")))
    }
}
