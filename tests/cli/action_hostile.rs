//! Hostile values in every input, file name and commit: outputs, summary and log are as they are for a harmless one.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary and looks at what it leaves")]

use crate::runner::{Ran, Runner};
use attest::action::inputs::Form;
use attest::action::{Action, Input};
use std::fs;

/// Values that try to be something else. No `/` and no NUL, so that each can be a file's name.
const HOSTILE: [&str; 40] = [
    "::error::x",
    "::set-output name=digest::x",
    "::add-mask::a",
    "::stop-commands::x",
    "::save-state name=x::y",
    " ::warning::x",
    "x\n::error::y",
    "x\r::error::y",
    "x\r\n::set-output name=bundle::y",
    "##[error]x",
    "##[set-output name=a;]b",
    "%0A::error::x",
    "%0D%0A::error::x",
    "%25%0A",
    "a%3A%3Ab",
    "digest=x",
    "digest<<EOF\nx\nEOF",
    "<<EOF",
    "x\ndecision=allow",
    "end_",
    "${{ secrets.KEY }}",
    "${{ github.token }}",
    "$(touch injected)",
    "`touch injected`",
    "';touch injected;'",
    "\";touch injected;\"",
    "$GITHUB_OUTPUT",
    "```",
    "``` \n# x",
    "`` ` ``",
    "<script>alert(1)<script>",
    "<!--",
    "<img src=x onerror=y>",
    "[x](javascript:alert(1))",
    "![x](x)",
    "@everyone #1 https:x",
    "| a | b |",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}\u{200b}\u{2028}x",
    "-x --output=injected",
];

/// A summary without the text of its code spans and blocks: what Markdown reads as Markdown.
fn skeleton(markdown: &str) -> String {
    let (mut out, mut rest) = (String::new(), markdown);
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let ticks = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let mut inner = &rest[at + ticks..];
        loop {
            let next = inner.find('`').unwrap_or_else(|| panic!("a span without an end: {markdown}"));
            let run = inner[next..].len() - inner[next..].trim_start_matches('`').len();
            inner = &inner[next + run..];
            if run == ticks {
                break;
            }
        }
        out.push('·');
        rest = inner;
    }
    out + rest
}

/// What a step left that no value may change.
fn form(ran: &Ran) -> (i32, Vec<String>, String, Vec<(String, String)>) {
    let names = ran.outputs.keys().cloned().collect();
    let commands = ran.commands.iter().map(|(name, title, _)| (name.clone(), title.clone())).collect();
    (ran.code, names, skeleton(&ran.summary), commands)
}

fn runner_with(value: &str) -> Runner {
    let runner = Runner::without_keys();
    fs::write(runner.world.root().join(format!("file-{value}")), "x").unwrap();
    runner.world.repository();
    runner.world.git(&["commit", "-q", "--allow-empty", "-m", value]);
    runner
}

/// A key without a password, as opening one takes long on purpose.
const KEY: &str = include_str!("../../src/sign/testdata/p256-pkcs8.pem");

/// Nothing ran, and no secret is shown.
fn nothing_else(runner: &Runner, ran: &Ran, value: &str) {
    assert!(!runner.world.root().join("injected").exists(), "{value:?} ran");
    let second = KEY.lines().nth(1).unwrap();
    assert!(![&ran.out, &ran.err, &ran.summary].iter().any(|t| t.contains(second)), "{value:?}: a secret is shown");
    for line in ran.err.lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{value:?}: {line}");
    }
    let shown = format!("{}{}", ran.out, ran.summary);
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\r']), "{value:?}: {shown:?}");
}

#[test]
fn a_hostile_name_and_commit_leave_what_a_harmless_one_leaves() {
    let attest = |value: &str| {
        let runner = runner_with(value);
        runner.world.write("p256.pub", include_str!("../../src/sign/testdata/p256.pub"));
        let inputs = [("subject-path", "file-*"), ("key", KEY), ("public-key", "p256.pub"), ("agent", "a/b")];
        let ran = runner.step("create", &inputs, &[]);
        nothing_else(&runner, &ran, value);
        assert_eq!(ran.output("decision"), "allow", "{value:?}: {ran:#?}");
        ran
    };
    let harmless = attest("harmless");
    let wanted = form(&harmless);
    assert_eq!(wanted.3, []);
    assert_eq!(
        wanted.2,
        "### Attested\n\n- · ·\n- signed by the key ·\n- agent: · (declared, from ·)\n\
         - not known: task, charter, requested by\n- dependencies: 1, 0 of them without digest\n- bundle: ·\n- decision: **allow** by ·\n\n\
         Verify it with\n\n·\n\n"
    );
    for value in HOSTILE {
        assert_eq!(form(&attest(value)), wanted, "{value:?}");
    }
}

#[test]
fn no_line_that_is_printed_is_obeyed() {
    let runner = Runner::without_keys();
    runner.world.write("p256.pub", include_str!("../../src/sign/testdata/p256.pub"));
    runner.world.write("::error::x", "x");
    let inputs = [("subject-path", "*error*"), ("key", KEY), ("public-key", "p256.pub")];
    let token = |ran: &Ran| {
        let first = ran.out.lines().next().and_then(|line| line.strip_prefix("::stop-commands::"));
        let token = first.unwrap_or_else(|| panic!("commands count: {}", ran.out)).to_owned();
        assert!(token.len() == 32 && ran.out.contains("::error::x "), "{}", ran.out);
        token
    };
    let one = token(&runner.step("create", &inputs, &[]).done());
    let inputs = [("subject-path", "*error*"), ("bundle", "attestation.sigstore.json"), ("public-key", "p256.pub")];
    assert_ne!(token(&runner.step("verify", &inputs, &[]).done()), one, "whoever saw one knows the next");
}

#[test]
fn a_hostile_value_of_an_input_is_that_value_or_is_refused() {
    let read = |input: &&Input| input.form != Form::Install;
    let names: Vec<_> = Action::Create.inputs().filter(read).map(|input| input.name).collect();
    assert!(names.len() > 25, "{names:?}");
    let known: Vec<_> = Action::Create.outputs().iter().map(|(name, _)| *name).collect();
    for value in HOSTILE {
        let runner = Runner::without_keys();
        runner.world.write("app", "an application");
        for name in names.iter().copied() {
            let mut inputs = vec![("subject", "app"), ("key", KEY)];
            inputs
                .retain(|(n, _)| *n != name && !(*n == "subject" && (name.starts_with("subject") || name == "image")));
            inputs.push((name, value));
            let ran = runner.step("create", &inputs, &[]);
            nothing_else(&runner, &ran, value);
            assert!(ran.outputs.keys().all(|n| known.contains(&n.as_str())), "{name} {value:?}: {ran:#?}");
            match ran.code {
                0 => assert_eq!(ran.commands, [], "{name} {value:?}"),
                _ => {
                    assert!(ran.code == 1 || ran.code == 2 || ran.code == 3, "{name} {value:?}: {ran:#?}");
                    assert_eq!(ran.commands.len(), 1, "{name} {value:?}: {ran:#?}");
                    assert!(ran.commands[0].0 == "error" && ran.commands[0].1.starts_with("attest: "), "{ran:#?}");
                }
            }
            if let ("output" | "outbox", 0) = (name, ran.code) {
                assert_eq!(
                    ran.output(if name == "output" { "bundle" } else { "outbox" }),
                    value.trim_end_matches(['\r', '\n'])
                );
            }
        }
    }
}
