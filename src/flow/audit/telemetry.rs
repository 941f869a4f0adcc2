//! What a program sends as telemetry, one request after another, as records of the machine whose token it shows.

use crate::audit::keys::Random;
use crate::model::json;
use crate::model::limits;
use crate::record::Draft;
use crate::record::draft::Origin;
use crate::sources::{Otlp, Source as _};
use serde_json::{Value, json};

/// What a request carries, by the specification of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
}

impl Signal {
    /// The list that a request of it consists of.
    fn list(self) -> &'static str {
        match self {
            Self::Logs => "resourceLogs",
            Self::Traces => "resourceSpans",
        }
    }
}

/// What was read of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Records, all of one machine.
    pub drafts: Vec<Draft>,
    /// How many log records or spans could not be read, or say what no record holds.
    pub rejected: u64,
}

/// Reads a request. What says nothing of what an agent did makes no record, and is not rejected.
///
/// # Errors
/// Why it is no request of the signal, in words, without anything of what it says.
pub fn read(signal: Signal, body: &[u8], machine: &str, random: Random<'_>) -> Result<Sent, String> {
    let parsed = json::parse(body, limits::OTLP_BYTES).map_err(|e| e.without_value().to_string())?;
    let lists = parsed.as_object().ok_or("expected an object")?;
    if !lists.get(signal.list()).map_or(lists.is_empty(), Value::is_array) {
        return Err(format!("expected an object with the list `{}`", signal.list()));
    }
    drop(parsed);
    let (mut reader, mut documents) = (Otlp.begin(), Vec::new());
    reader.line(Some(body), &mut documents);
    let (mut drafts, mut rejected) = (Vec::with_capacity(documents.len()), 0);
    for mut document in documents {
        document["machine"] = json!(machine);
        // Who sends it is told of what is lost: it is none to the log.
        if document["kind"] == "loss" {
            continue;
        }
        match Draft::read(&document, Origin::Captured, &mut *random) {
            Ok(draft) => drafts.push(draft),
            Err(_) => rejected += 1,
        }
    }
    Ok(Sent { drafts, rejected: rejected + reader.counts().broken })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(signal: Signal, body: &Value) -> Result<Sent, String> {
        read(signal, body.to_string().as_bytes(), "runner-1", &mut |bytes| bytes.fill(7))
    }

    fn logs(items: &Value) -> Value {
        json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": items }] }] })
    }

    #[test]
    fn what_is_sent_becomes_records_of_its_machine() {
        let of = |name: &str, value: &str| json!({ "key": name, "value": { "stringValue": value } });
        let call = json!({ "timeUnixNano": "1790000000000000000", "eventName": "claude_code.tool_result",
            "attributes": [of("tool_name", "Bash"), of("tool_use_id", "t1"), of("session.id", "s")] });
        let prompt = json!({ "timeUnixNano": "1790000000000000000", "eventName": "claude_code.user_prompt" });
        let found = sent(Signal::Logs, &logs(&json!([call, prompt, 42, "x"]))).unwrap();
        assert_eq!((found.drafts.len(), found.rejected), (1, 2), "a prompt is no action, and no error");
        assert_eq!(found.drafts[0].text("machine"), Some("runner-1"));
        let many = sent(Signal::Logs, &logs(&json!(vec![42; 1000]))).unwrap();
        assert_eq!((many.drafts.len(), many.rejected), (0, 1000));
    }

    #[test]
    fn what_is_no_request_of_the_signal_is_refused_whole() {
        let spans = json!({ "resourceSpans": [] });
        assert!(sent(Signal::Traces, &spans).is_ok() && sent(Signal::Logs, &json!({})).is_ok());
        for (signal, bad) in [
            (Signal::Logs, spans),
            (Signal::Traces, logs(&json!([]))),
            (Signal::Logs, json!({ "resourceLogs": 1 })),
            (Signal::Logs, json!([])),
        ] {
            assert!(sent(signal, &bad).is_err(), "{bad}");
        }
        let text = read(Signal::Logs, b"{\"resourceLogs\":[{\"a\":1,\"a\":2}]}", "m", &mut |_| {});
        assert!(text.is_err(), "a key twice");
    }
}
