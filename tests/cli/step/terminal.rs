//! A program with a terminal of its own, as a person's shell would start it.

use crate::world::{PASSWORD, World};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A program that runs.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<(Mutex<Screen>, Condvar)>,
}

#[derive(Default)]
struct Screen {
    text: String,
    /// The program has ended, so an error is the end of what it wrote.
    ended: bool,
    complete: bool,
}

/// What was to be seen when it had ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) screen: String,
}

/// Longer than anything takes; only a defect waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

const TTY: &str = "STEP_TEST_TERMINAL";
const ARGUMENTS: &str = "STEP_TEST_ARGUMENTS";
const AS_JOB: &str = "STEP_TEST_AS_JOB";

impl Terminal {
    /// Starts a program as the leader of a session.
    pub(crate) fn start(world: &World, command: &[String]) -> Self {
        Self::start_with(world, command, &[])
    }

    /// Starts a program as the foreground job of a session whose leader waits for it as a shell does: when it is stopped,
    /// says so on the screen, and goes on with it at the next line that is typed.
    pub(crate) fn start_as_job(world: &World, command: &[String]) -> Self {
        Self::start_with(world, command, &[(AS_JOB, "1")])
    }

    fn start_with(world: &World, command: &[String], more: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        // Only a process itself can begin a session: this test program, which then becomes the other one.
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "--ignored", "step::terminal::becomes_another_program"])
            .current_dir(world.root())
            .env_clear();
        child.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.home()).env("ATTEST_PASSWORD", PASSWORD);
        child.env(TTY, name).env(ARGUMENTS, serde_json::to_string(command).unwrap()).envs(more.iter().copied());
        let child = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let master = File::from(master);
        let screen = Arc::new((Mutex::new(Screen::default()), Condvar::new()));
        let (mut reader, shared) = (master.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let n = reader.read(&mut buffer);
                let mut screen = shared.0.lock().unwrap();
                match n {
                    Ok(n) if n > 0 => screen.text.push_str(&String::from_utf8_lossy(&buffer[..n])),
                    // Nobody has it open any more, or has not yet.
                    _ if screen.ended => {
                        screen.complete = true;
                        shared.1.notify_all();
                        return;
                    }
                    _ => {
                        drop(screen);
                        std::thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                }
                shared.1.notify_all();
            }
        });
        Self { child, keyboard: master, screen }
    }

    /// Waits until this is to be seen.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        let screen = self.screen.0.lock().unwrap();
        let (screen, late) = self.screen.1.wait_timeout_while(screen, PATIENCE, |s| !s.text.contains(text)).unwrap();
        assert!(!late.timed_out(), "`{text}` is not on the screen: {}", screen.text);
    }

    /// Waits until this is to be seen so many times.
    #[track_caller]
    pub(crate) fn shows_times(&self, text: &str, times: usize) {
        let screen = self.screen.0.lock().unwrap();
        let missing = |s: &mut Screen| s.text.matches(text).count() < times;
        let (screen, late) = self.screen.1.wait_timeout_while(screen, PATIENCE, missing).unwrap();
        assert!(!late.timed_out(), "`{text}` is not on the screen {times} times: {}", screen.text);
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Seen {
        let begun = Instant::now();
        let status: ExitStatus = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("it does not end: {}", self.screen.0.lock().unwrap().text);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut screen = self.screen.0.lock().unwrap();
        screen.ended = true;
        let (screen, late) = self.screen.1.wait_timeout_while(screen, PATIENCE, |s| !s.complete).unwrap();
        assert!(!late.timed_out(), "somebody still has the terminal: {}", screen.text);
        Seen { code: status.code(), signal: status.signal(), screen: screen.text.clone() }
    }
}

/// The child of [`Terminal::start`]. Without what that sets there is nothing that it could become.
#[test]
#[ignore = "is started by other tests"]
#[expect(clippy::zombie_processes, reason = "it is waited for by its id, to see it stopped")]
fn becomes_another_program() {
    let (Ok(tty), Ok(arguments)) = (std::env::var(TTY), std::env::var(ARGUMENTS)) else { return };
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    rustix::process::setsid().unwrap();
    // The first terminal that the leader of a session opens is the session's.
    let tty = rustix::fs::open(tty, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    rustix::stdio::dup2_stdin(&tty).unwrap();
    rustix::stdio::dup2_stdout(&tty).unwrap();
    rustix::stdio::dup2_stderr(&tty).unwrap();
    if std::env::var_os(AS_JOB).is_none() {
        let mut program = Command::new(&arguments[0]);
        program.args(&arguments[1..]).env_remove(TTY).env_remove(ARGUMENTS);
        panic!("{}", program.exec());
    }
    // It begins stopped, so that it does nothing before the terminal is its own.
    let mut job = Command::new("sh");
    job.args(["-c", "kill -STOP $$; exec \"$@\"", "sh"]).args(&arguments);
    let child = job.env_remove(TTY).env_remove(ARGUMENTS).env_remove(AS_JOB).process_group(0).spawn().unwrap();
    let job = Pid::from_child(&child);
    rustix::process::waitpid(Some(job), WaitOptions::UNTRACED).unwrap();
    rustix::termios::tcsetpgrp(&tty, job).unwrap();
    rustix::process::kill_process_group(job, Signal::CONT).unwrap();
    loop {
        let (_, status) = rustix::process::waitpid(Some(job), WaitOptions::UNTRACED).unwrap().unwrap();
        if status.stopped() {
            std::fs::write("job", "stopped").unwrap();
            while std::fs::read_to_string("job").unwrap() != "go on" {
                std::thread::sleep(Duration::from_millis(10));
            }
            rustix::process::kill_process_group(job, Signal::CONT).unwrap();
        } else {
            std::process::exit(status.exit_status().unwrap_or(255));
        }
    }
}
