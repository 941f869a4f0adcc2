//! A terminal is the step's own: isatty, size, echo, keys and signals are as they are without us.

use crate::step::terminal::{Seen, Terminal};
use crate::step::{both, byproduct, signed, was_signed};
use crate::world::World;
use rustix::process::Signal;

/// Runs a script both ways; what is to be seen must be the same, but for what `attest` says after it.
#[track_caller]
fn same(world: &World, script: &str, act: impl Fn(&mut Terminal)) -> Seen {
    let [alone, step] = both(script).map(|command| {
        let mut terminal = Terminal::start(world, &command);
        act(&mut terminal);
        terminal.end()
    });
    assert_eq!((alone.code, alone.signal), (step.code, step.signal), "{script}: {alone:?} {step:?}");
    let rest = step.screen.strip_prefix(&alone.screen);
    let rest = rest.unwrap_or_else(|| panic!("{script}: {alone:?} {step:?}"));
    let rest = rest.trim_start();
    let as_expected = if alone.code == Some(0) { rest.is_empty() } else { rest.starts_with("error[step-failed]") };
    assert!(as_expected, "{script}: {rest}");
    assert_eq!(was_signed(world), alone.code == Some(0), "{script}");
    alone
}

fn idle(_: &mut Terminal) {}

#[test]
fn ends_are_the_same() {
    let world = World::new();
    for (script, code, signal) in [
        ("echo out; echo err >&2", Some(0), None),
        ("echo out; exit 3", Some(3), None),
        ("exit 255", Some(255), None),
        ("kill -TERM $$", None, Some(15)),
        ("kill -KILL $$", None, Some(9)),
        ("kill -INT $$", None, Some(2)),
        ("kill -SEGV $$", None, Some(11)),
        ("kill -ABRT $$", None, Some(6)),
        ("kill -USR1 $$", None, Some(10)),
        ("kill -PIPE $$", None, Some(13)),
    ] {
        let seen = same(&world, script, idle);
        assert_eq!((seen.code, seen.signal), (code, signal), "{script}");
    }
}

#[test]
fn an_interactive_program_has_its_terminal() {
    let world = World::new();
    let script = "test -t 0 && test -t 1 && test -t 2 && echo a terminal; stty size; stty -echo; echo name?; read x; stty echo; echo hello $x; tr a-z A-Z; head -n 1 /dev/tty";
    let seen = same(&world, script, |t| {
        t.shows("name?");
        t.types("bob\n");
        t.shows("hello bob");
        t.types("shout\n\u{4}");
        t.shows("SHOUT");
        t.types("again\n");
    });
    assert!(seen.screen.contains("a terminal") && !seen.screen.contains("bob\r\nhello"), "{seen:?}");
    // What went to the terminal is nobody's but the person's.
    let command = &both("echo private")[1];
    Terminal::start(&world, command).end();
    let statement = signed(&world).unwrap();
    assert_eq!((byproduct(&statement, "stdout"), byproduct(&statement, "stderr")), (None, None));
}

#[test]
fn the_keyboard_interrupts_the_step_once() {
    let world = World::new();
    let hang = "echo ready; while :; do sleep 0.05; done";
    for (key, signal) in [("\u{3}", 2), ("\u{1c}", 3)] {
        let seen = same(&world, hang, |t| {
            t.shows("ready");
            t.types(key);
        });
        assert_eq!(seen.signal, Some(signal));
    }
    // A program that asks once and ends when it is asked again.
    let twice = "n=0; trap 'n=$((n+1)); echo caught $n' INT; echo ready; i=0; while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done; echo in all $n; exit 4";
    let seen = same(&world, twice, |t| {
        t.shows("ready");
        t.types("\u{3}");
    });
    assert!(seen.screen.contains("in all 1"), "{seen:?}");
}

#[test]
fn a_signal_to_attest_alone_reaches_the_step() {
    let world = World::new();
    for (name, signal, code) in [
        ("INT", Signal::INT, 11),
        ("TERM", Signal::TERM, 12),
        ("QUIT", Signal::QUIT, 13),
        ("USR1", Signal::USR1, 14),
        ("HUP", Signal::HUP, 15),
    ] {
        let script = format!("trap 'echo caught {name}; exit {code}' {name}; echo ready; while :; do sleep 0.05; done");
        let seen = same(&world, &script, |t| {
            t.shows("ready");
            t.signal(signal);
        });
        assert_eq!(seen.code, Some(code));
        let default = "echo ready; while :; do sleep 0.05; done";
        let seen = same(&world, default, |t| {
            t.shows("ready");
            t.signal(signal);
        });
        assert_eq!(seen.signal, Some(signal.as_raw()));
    }
}

/// Ctrl-Z stops the job, `fg` goes on with it.
#[test]
fn a_job_is_stopped_and_goes_on() {
    let world = World::new();
    // Without another program: one that is just being started cannot be stopped, and its shell waits for it (vfork(2)).
    let [alone, step] = both("echo ready; read x; echo finished; exit 6").map(|command| {
        let _ = std::fs::remove_file(world.root().join("job"));
        let mut terminal = Terminal::start_as_job(&world, &command);
        terminal.shows("ready");
        terminal.types("\u{1a}");
        let mut left = 10_000;
        while std::fs::read_to_string(world.root().join("job")).unwrap_or_default() != "stopped" {
            std::thread::sleep(std::time::Duration::from_millis(10));
            left -= 1;
            assert!(left > 0, "it is not stopped");
        }
        world.write("job", "go on");
        terminal.types("\n");
        terminal.shows("finished");
        terminal.end()
    });
    assert_eq!((alone.code, step.code), (Some(6), Some(6)), "{alone:?} {step:?}");
    assert!(step.screen.starts_with(&alone.screen), "{alone:?} {step:?}");
}
