//! Logs and traces in OTLP/JSON: what agents tell by the conventions of OpenTelemetry for generative AI, and the events of Claude
//! Code and Codex. Each log record and each span is by itself; of a session nothing but its name joins them.
//!
//! What a model was asked and answered, who the user is and what a command was is there for who wants it: nothing of that is kept.

use super::calls::Calls;
use super::claude_code::{text, tool};
use super::documents::object as read;
use super::plain::{may_stand, plain};
use super::{Counts, Reader, Source, Units};
use crate::model::{Timestamp, json, limits};
use serde_json::{Map, Value, json};

/// What records of this source say of where they are from.
const SOURCE: &str = "import otlp";
/// Spans in which a model was asked.
const ASKED: &[&str] = &["chat", "generate_content", "text_completion"];

/// The format.
#[derive(Debug)]
pub struct Otlp;

impl Source for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn recognises(&self, document: &[u8]) -> bool {
        read(document).is_some_and(|read| KINDS.iter().any(|(resources, ..)| read.contains_key(*resources)))
    }

    fn units(&self) -> Units {
        Units::Documents
    }

    fn part(&self) -> &'static str {
        "log record or span"
    }

    fn is_of_one_agent(&self) -> bool {
        true
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Telemetry { calls: Calls::new(SOURCE, "a document of telemetry") })
    }
}

/// What a document holds: the lists in it, from the outside in.
const KINDS: &[(&str, &str, &str)] =
    &[("resourceLogs", "scopeLogs", "logRecords"), ("resourceSpans", "scopeSpans", "spans")];

/// A file that is being read.
struct Telemetry {
    calls: Calls,
}

impl Reader for Telemetry {
    fn line(&mut self, document: Option<&[u8]>, out: &mut Vec<Value>) {
        let read = document.and_then(read);
        let Some(read) = read else {
            self.calls.counts.lines += 1;
            let (what, bytes) = document.map_or(("too long", &b""[..]), |bytes| ("no document", bytes));
            return self.calls.broken(what, bytes, None, out);
        };
        let list =
            |value: &'_ Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        for (resources, scopes, items) in KINDS {
            for resource in read.get(*resources).and_then(Value::as_array).into_iter().flatten() {
                let about = attributes(resource.get("resource").unwrap_or(&Value::Null));
                for scope in list(resource, scopes) {
                    for item in list(&scope, items) {
                        let told = Told { item: &item, own: attributes(&item), about: &about };
                        self.calls.counts.lines += 1;
                        if !item.is_object() {
                            self.calls.broken("no log record or span", item.to_string().as_bytes(), None, out);
                            continue;
                        }
                        match told.record(*items == "spans") {
                            Some(record) => {
                                self.calls.counts.actions += 1;
                                out.push(record);
                            }
                            None => self.calls.counts.other += 1,
                        }
                    }
                }
            }
        }
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

/// Names and values of a resource, a log record or a span.
fn attributes(of: &Value) -> Map<String, Value> {
    let all = of.get("attributes").and_then(Value::as_array).into_iter().flatten();
    let plain = |one: &Value| {
        let (key, value) = (one.get("key")?.as_str()?.to_owned(), one.get("value")?.as_object()?);
        let (kind, value) = value.iter().next()?;
        let value = match kind.as_str() {
            // A number of 64 bits is written as a text.
            "intValue" => value.as_i64().or_else(|| value.as_str()?.parse().ok()).map(|n| json!(n))?,
            "stringValue" | "doubleValue" | "boolValue" => value.clone(),
            _ => return None,
        };
        Some((key, value))
    };
    all.filter_map(plain).collect()
}

/// A log record or a span with what stands around it.
struct Told<'a> {
    item: &'a Value,
    own: Map<String, Value>,
    about: &'a Map<String, Value>,
}

impl Told<'_> {
    /// The first of these that is said, as a text.
    fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| text(&self.own, name))
    }

    fn whole(&self, names: &[&str]) -> Option<String> {
        let value = names.iter().find_map(|name| self.own.get(*name))?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// A count; programs write them as numbers and as texts.
    fn count(&self, names: &[&str]) -> Option<u64> {
        let value = names.iter().find_map(|name| self.own.get(*name))?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    fn session(&self) -> Option<&str> {
        self.text(&["gen_ai.conversation.id", "session.id", "conversation.id"])
    }

    fn time(&self, name: &str) -> Option<String> {
        let value = self.item.get(name)?;
        let nanoseconds = value.as_u64().or_else(|| value.as_str()?.parse().ok()).filter(|n| *n > 0)?;
        Timestamp::from_unix(i64::try_from(nanoseconds / 1_000_000_000).ok()?).map(|time| time.to_string())
    }

    fn record(&self, is_span: bool) -> Option<Value> {
        if is_span {
            return match self.text(&["gen_ai.operation.name"])? {
                "execute_tool" => self.tool_call(),
                "invoke_agent" | "create_agent" => self.agent(),
                asked if ASKED.contains(&asked) => self.asked(true),
                _ => None,
            };
        }
        let body = self.item.get("body").and_then(|body| body.get("stringValue")).and_then(Value::as_str);
        let own = self.item.get("eventName").and_then(Value::as_str).or_else(|| self.text(&["event.name"]));
        let event = own.or(body)?;
        let service = self.about.get("service.name").and_then(Value::as_str).unwrap_or_default();
        let (program, event) = event.split_once('.').unwrap_or((service, event));
        match event {
            "tool_result" => self.tool_call(),
            "tool_decision" => self.decision(),
            "api_request" if program.starts_with("claude") => self.asked(false),
            "sse_event" if self.text(&["event.kind"]) == Some("response.completed") => self.asked(true),
            _ => None,
        }
    }

    /// What every record says. Its id is made of what is no text of anybody: when it was, and what it is called by.
    fn begun(&self, kind: &str, what: &str) -> Option<Value> {
        let id = |name: &str| self.item.get(name).and_then(Value::as_str).filter(|id| !id.is_empty());
        let is_hex = |id: &&str| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        let call = self.text(&["gen_ai.tool.call.id", "tool_use_id", "call_id"]);
        let span = id("spanId").filter(is_hex).filter(|_| self.item.get("startTimeUnixNano").is_some());
        let stamp = ["timeUnixNano", "startTimeUnixNano", "observedTimeUnixNano"].iter().find_map(|name| {
            let value = self.item.get(*name)?;
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        });
        let number = self.count(&["event.sequence"]).map(|number| number.to_string());
        let stamp = stamp.map(|stamp| stamp.to_string());
        let said = self.text(&["event.timestamp"]).filter(|time| Timestamp::parse(time).is_ok()).map(str::to_owned);
        let stamp = stamp.or(said);
        let own = match (span, call) {
            (Some(span), _) => format!("{}/{span}", id("traceId").filter(is_hex).unwrap_or_default()),
            (None, Some(call)) => call.to_owned(),
            (None, None) => format!("{}/{}", stamp?, number.unwrap_or_default()),
        };
        let session = self.session().unwrap_or_default();
        let mut record = json!({ "kind": kind, "source": SOURCE, "source_id": format!("{session}/{what}/{own}") });
        plain(&mut record, "session_id", self.session());
        plain(&mut record, "agent", self.text(&["gen_ai.agent.name"]).or_else(|| text(self.about, "attest.agent")));
        plain(&mut record, "execution_id", text(self.about, "attest.execution"));
        let version = text(self.about, "service.version").or_else(|| self.text(&["app.version"]));
        plain(&mut record, "agent_version", version);
        plain(&mut record, "model", self.text(&["gen_ai.response.model", "gen_ai.request.model", "model"]));
        plain(&mut record, "provider", self.text(&["gen_ai.provider.name", "gen_ai.system"]));
        for (field, times) in
            [("at", "timeUnixNano"), ("started_at", "startTimeUnixNano"), ("completed_at", "endTimeUnixNano")]
        {
            if let Some(time) = self.time(times) {
                record[field] = json!(time);
            }
        }
        if record.get("at").or_else(|| record.get("started_at")).is_none()
            && let Some(time) = self.text(&["event.timestamp"]).and_then(|time| Timestamp::parse(time).ok())
        {
            record["at"] = json!(time.to_string());
        }
        Some(record)
    }

    fn named(&self, record: &mut Value, more: &[(&str, Option<&str>)]) {
        let tool = self.text(&["gen_ai.tool.name", "tool_name", "name"]);
        let pairs = [("tool", tool)].into_iter().chain(more.iter().copied());
        let kept = pairs.filter_map(|(name, value)| Some((name.to_owned(), json!(value.filter(|v| may_stand(v))?))));
        record["metadata"] = Value::Object(kept.collect());
    }

    fn tool_call(&self) -> Option<Value> {
        let name = self.text(&["gen_ai.tool.name", "tool_name"])?;
        let mut record = self.begun("action", "tool")?;
        let action = match name {
            "exec_command" | "shell" | "shell_command" | "local_shell" => "command_run",
            "apply_patch" => "file_modify",
            name => tool(name).0,
        };
        record["action_type"] = json!(action);
        self.named(&mut record, &[]);
        let input = self.whole(&["gen_ai.tool.call.arguments", "tool_input", "tool_parameters", "arguments"]);
        if let Some(input) = input {
            let parsed = json::parse(input.as_bytes(), limits::SESSION_LINE_BYTES).unwrap_or(Value::Null);
            let names = ["full_command", "command", "cmd", "bash_command"];
            let command = names.iter().find_map(|name| parsed.get(*name)?.as_str());
            if let Some(command) = command.filter(|_| action == "command_run") {
                record["command"] = json!(command);
            }
            record["input"] = json!(input);
        }
        if let Some(output) = self.whole(&["gen_ai.tool.call.result", "output"]) {
            record["output"] = json!(output);
        }
        if let Some(result) = self.result() {
            record["result"] = json!(result);
        }
        Some(record)
    }

    /// Whether it went well, where that is said: by the event, or by the status of a span, which says nothing unless set.
    fn result(&self) -> Option<&'static str> {
        let success = self.own.get("success");
        let success = success.and_then(|value| value.as_bool().or_else(|| value.as_str()?.parse().ok()));
        let status = self.item.get("status").and_then(|status| status.get("code"));
        let is = |number: u64, name: &str| status.is_some_and(|code| code.as_u64() == Some(number) || code == name);
        match success {
            Some(true) => Some("ok"),
            Some(false) => Some("error"),
            None if is(2, "STATUS_CODE_ERROR") || self.own.contains_key("error.type") => Some("error"),
            None if is(1, "STATUS_CODE_OK") => Some("ok"),
            None => None,
        }
    }

    /// That somebody, or a rule, let a call be made or did not.
    fn decision(&self) -> Option<Value> {
        let mut record = self.begun("action", "decision")?;
        record["action_type"] = json!("permission_request");
        self.named(&mut record, &[("decided_by", self.text(&["source"]))]);
        plain(&mut record, "result", self.text(&["decision"]));
        Some(record)
    }

    fn agent(&self) -> Option<Value> {
        let mut record = self.begun("action", "agent")?;
        record["action_type"] = json!("agent_start");
        if let Some(result) = self.result() {
            record["result"] = json!(result);
        }
        Some(record)
    }

    /// What was used when a model was asked. Some count what was read from the cache among what was read, some apart.
    fn asked(&self, with_cache: bool) -> Option<Value> {
        let kind = if self.session().is_some() { "session" } else { "action" };
        let mut record = self.begun(kind, "asked")?;
        if kind == "action" {
            record["action_type"] = json!("model_call");
        }
        let read = self.count(&["gen_ai.usage.input_tokens", "input_tokens", "input_token_count"]);
        let cached = self.count(&["gen_ai.usage.cache_read.input_tokens", "cache_read_tokens", "cached_token_count"]);
        let written = self.count(&[
            "gen_ai.usage.cache_creation.input_tokens",
            "cache_creation_tokens",
            "cache_write_token_count",
        ]);
        let alone = match with_cache {
            false => read,
            // How much of it was the cache's must be said.
            true => {
                read.zip(cached).and_then(|(all, cached)| all.checked_sub(cached)?.checked_sub(written.unwrap_or(0)))
            }
        };
        let counts = [
            ("tokens_in", alone),
            ("tokens_out", self.count(&["gen_ai.usage.output_tokens", "output_tokens", "output_token_count"])),
            ("tokens_cache_read", cached),
            ("tokens_cache_write", written),
        ];
        let cost = self.own.get("cost_usd").and_then(|cost| cost.as_f64().or_else(|| cost.as_str()?.parse().ok()));
        let cost = cost.filter(|cost| cost.is_finite() && *cost >= 0.0 && *cost < 1e9);
        if counts.iter().all(|(_, count)| count.is_none()) && cost.is_none() {
            // What is not known in its class is not said in another one.
            return None;
        }
        for (name, count) in counts {
            if let Some(count) = count.filter(|count| *count <= limits::EXACT_NUMBER) {
                record[name] = json!(count);
            }
        }
        if let Some(cost) = cost {
            // A decimal number, however it was written: to a billionth of a dollar.
            record["cost"] = json!(format!("{cost:.9}").trim_end_matches('0').trim_end_matches('.'));
        }
        Some(record)
    }
}
