//! A build step under `attest create` behaves as it does alone: the same script is run both ways, with pipes and under a
//! terminal of its own, and what is seen from outside is compared.

#![expect(clippy::disallowed_methods, reason = "runs programs and reads what they wrote")]

mod found_before;
mod pipes;
mod recorded;
pub(crate) mod terminal;
mod under_a_terminal;

use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The command line of a script, alone and as a build step.
fn both(script: &str) -> [Vec<String>; 2] {
    let alone = ["sh", "-c", script].map(str::to_owned).to_vec();
    let attest = [env!("CARGO_BIN_EXE_attest"), "create", "app", "--key", "attest.key", "--quiet", "--"];
    let step: Vec<String> = attest.iter().map(|a| (*a).to_owned()).chain(alone.clone()).collect();
    [alone, step].map(|command| heard().into_iter().chain(command).collect())
}

/// What has a program begin with the signals of a terminal: tests that a script put in the background, or `nohup`
/// started, ignore some, and what they start inherits that.
fn heard() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    // SIGHUP, SIGINT and SIGQUIT.
    match u64::from_str_radix(mask, 16).unwrap() & 0b111 {
        0 => Vec::new(),
        _ => ["env", "--default-signal=HUP,INT,QUIT"].map(str::to_owned).to_vec(),
    }
}

/// What was signed, if anything was.
fn signed(world: &World) -> Option<Value> {
    let read = |name: &str| std::fs::read_to_string(world.root().join(name));
    let bundles = read("app.sigstore.jsonl").or_else(|_| read("app.sigstore.json")).ok()?;
    let bundle: Value = serde_json::from_str(bundles.lines().last()?).unwrap();
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    Some(serde_json::from_slice(&payload).unwrap())
}

/// Whether something was signed; the next run starts without.
fn was_signed(world: &World) -> bool {
    let _ = std::fs::remove_file(world.root().join("app.sigstore.jsonl"));
    std::fs::remove_file(world.root().join("app.sigstore.json")).is_ok()
}

/// The byproduct of a name.
fn byproduct(statement: &Value, name: &str) -> Option<Value> {
    let all = statement["predicate"]["runDetails"]["byproducts"].as_array()?;
    all.iter().find(|b| b["name"] == name).cloned()
}
