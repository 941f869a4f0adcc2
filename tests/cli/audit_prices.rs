//! Costs that are worked out of tokens by a dated list of prices.

use crate::audit::{audit, done, ends, schema, started};
use crate::world::World;
use serde_json::{Value, json};

const LIST: &str = "currency: USD
prices:
- { model: gpt-5*, from: 2026-01-01, until: 2026-01-31, in: 1.25, out: 10, cacheRead: 0.125 }
- { model: gpt-5*, from: 2026-02-01, in: 1.5, out: 12, cacheRead: 0.15 }
";

/// A rollout of Codex in which a model used 400 tokens, 600 of the cache, and wrote 20, at a time.
fn rollout(session: &str, model: &str, time: &str) -> String {
    let total = json!({ "input_tokens": 1000, "cached_input_tokens": 600, "output_tokens": 20 });
    let lines = [
        (
            "session_meta",
            json!({ "id": session, "timestamp": time, "cwd": "/home/alice/app", "cli_version": "0.104.0" }),
        ),
        ("turn_context", json!({ "cwd": "/home/alice/app", "model": model })),
        ("event_msg", json!({ "type": "token_count", "info": { "total_token_usage": total } })),
    ];
    let line = |(kind, payload): &(&str, Value)| {
        json!({ "timestamp": time, "type": kind, "payload": payload }).to_string() + "\n"
    };
    lines.iter().map(line).collect()
}

fn imported(world: &World, session: &str, model: &str, time: &str, more: &[&str]) -> Value {
    world.write("r.jsonl", rollout(session, model, time));
    let report = done(world, &[&["import", "codex", "r.jsonl", "--format", "json"], more].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    assert!(schema("audit-import").is_valid(&report), "{report}");
    report
}

/// What the log says that a session cost, and how that is known.
fn cost(world: &World, session: &str) -> (Value, Value) {
    let shown: Value = serde_json::from_str(&done(world, &["show", "--last", "5000", "--format", "json"])).unwrap();
    let all = shown["records"].as_array().unwrap().iter().map(|r| &r["record"]);
    let mut used = all.filter(|r| r["session_id"] == session && r["tokens_out"].is_number());
    let one = used.next().unwrap();
    assert!(used.next().is_none());
    (one["cost"].clone(), one["known"]["cost"].clone())
}

#[test]
fn a_cost_is_worked_out_by_the_price_of_the_day_and_is_derived() {
    let world = started();
    world.write("prices.yaml", LIST);
    let prices = ["--prices", "prices.yaml"];
    let derived = |text: &str| (json!(text), json!("derived"));
    // 400 x 1.25 + 20 x 10 + 600 x 0.125 = 775 dollars for a million; the day after 930.
    let last = imported(&world, "s-1", "gpt-5.3-codex", "2026-01-31T23:59:59Z", &prices);
    assert_eq!((last.get("unpriced"), cost(&world, "s-1")), (None, derived("0.000775")));
    imported(&world, "s-2", "gpt-5.3-codex", "2026-02-01T00:00:00Z", &prices);
    assert_eq!(cost(&world, "s-2"), derived("0.00093"));
    // Again, with other prices, and without any: what was recorded stays, and nothing differs.
    world.write("dear.yaml", LIST.replace("12", "1200"));
    for more in [&prices[..], &["--prices", "dear.yaml"], &[]] {
        let again = imported(&world, "s-2", "gpt-5.3-codex", "2026-02-01T00:00:00Z", more);
        assert_eq!((&again["new"], &again["differs"]), (&json!(0), &json!([])), "{again}");
    }
    assert_eq!(cost(&world, "s-2"), derived("0.00093"));
    // Without prices nothing is worked out.
    imported(&world, "s-3", "gpt-5.3-codex", "2026-02-01T00:00:00Z", &[]);
    assert_eq!(cost(&world, "s-3"), (Value::Null, Value::Null));
    assert!(done(&world, &["history"]).contains("Cost <$0.01 r"), "{}", done(&world, &["history"]));
}

#[test]
fn what_has_no_price_has_no_cost_and_is_said() {
    let world = started();
    world.write(
        "prices.json",
        r#"{ "currency": "USD", "prices": [ { "model": "gpt-5", "from": "2026-01-01", "in": 1, "out": 2 } ] }"#,
    );
    let prices = ["--prices", "prices.json"];
    let other =
        imported(&world, "s-1", "other-1", "2026-01-15T00:00:00Z", &[&prices[..], &["--execution", "e-1"]].concat());
    let unpriced = json!([{ "model": "other-1", "why": "it is not in the list", "executions": 1, "records": 1 }]);
    assert_eq!((&other["unpriced"], cost(&world, "s-1").0), (&unpriced, Value::Null));
    let early = imported(&world, "s-2", "gpt-5", "2025-12-31T23:59:59Z", &prices);
    assert_eq!(
        (&early["unpriced"][0]["why"], cost(&world, "s-2").0),
        (&json!("the list has no price of that day"), Value::Null)
    );
    world.write("r.jsonl", rollout("s-3", "gpt-5", "2026-01-15T00:00:00Z"));
    let said = done(&world, &["import", "codex", "r.jsonl", "--prices", "prices.json"]);
    let line =
        "1 execution without a price of model gpt-5, and so without a cost: the list has no price of `cacheRead`\n";
    assert!(said.ends_with(line), "{said}");
    let history: Value = serde_json::from_str(&done(&world, &["history", "--format", "json"])).unwrap();
    let all = history["executions"].as_array().unwrap();
    assert!(all.len() == 3 && all.iter().all(|run| run.get("cost").is_none()), "{history}");
}

#[test]
fn a_list_of_two_prices_for_a_day_records_nothing() {
    let world = started();
    world.write("r.jsonl", rollout("s-1", "gpt-5", "2026-01-15T00:00:00Z"));
    let import = |code: i32| ends(&world, code, &["import", "codex", "r.jsonl", "--prices", "prices.yaml"]);
    world.write("prices.yaml", LIST.replace("2026-02-01", "2026-01-31"));
    let said = import(2);
    assert!(said.contains("audit-prices-overlap") && said.contains("line 4") && said.contains("2026-01-31"), "{said}");
    world.write("prices.yaml", LIST.replace("USD", "EUR"));
    assert!(import(2).contains("audit-prices-malformed"));
    assert_eq!(done(&world, &["show", "--last", "10", "--format", "json"]).matches("session_id").count(), 0);
    world.write("prices.yaml", LIST);
    import(0);
    assert!(ends(&world, 2, &["import", "git", ".", "--prices", "prices.yaml"]).contains("says nothing of git"));
}

#[test]
fn the_end_of_an_execution_is_priced_by_its_model() {
    let world = started();
    world.write("prices.yaml", LIST);
    done(&world, &["start", "--agent", "a/b", "--execution", "e-1", "--model", "gpt-5.3-codex"]);
    let tokens = ["tokens_in=400", "tokens_out=20", "tokens_cache_read=600", "completed_at=2026-02-01T00:00:00Z"];
    let finish = |id: &str, more: &[&str]| {
        let all = [&["finish", id, "--prices", "prices.yaml", "--format", "json"], &tokens[..], more].concat();
        let report: Value = serde_json::from_str(&done(&world, &all)).unwrap();
        assert!(schema("audit-recorded").is_valid(&report), "{report}");
        let number = report["records"][0].to_string();
        let shown: Value = serde_json::from_str(&done(&world, &["show", &number, "--format", "json"])).unwrap();
        let record = &shown["records"][0]["record"];
        (record["cost"].clone(), record["known"]["cost"].clone(), report["unpriced"][0]["why"].clone())
    };
    let why = |text: &str| (Value::Null, Value::Null, json!(text));
    assert_eq!(finish("e-1", &[]), (json!("0.00093"), json!("derived"), Value::Null), "the model of its start");
    assert_eq!(finish("e-2", &["model=gpt-5"]), (json!("0.00093"), json!("derived"), Value::Null));
    assert_eq!(
        finish("e-3", &["model=gpt-5", "cost=7"]),
        (json!("7"), Value::Null, Value::Null),
        "whoever says it wins"
    );
    assert_eq!(finish("e-4", &[]), why("no model is said, or more than one"));
    for model in ["gpt-5", "gpt-5-mini"] {
        done(&world, &["record", "action", "action_type=model_call", "execution_id=e-5", &format!("model={model}")]);
    }
    assert_eq!(finish("e-5", &[]), why("no model is said, or more than one"), "whose tokens they are is not known");
    let out = audit(&world, &["finish", "e-6", "model=x", "tokens_out=1", "--prices", "prices.yaml"]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(
        said.contains("1 execution without a price of model x, and so without a cost: it is not in the list"),
        "{said}"
    );
}
