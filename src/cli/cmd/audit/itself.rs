//! Commands that record themselves, where there is an audit log.

use crate::audit::AuditError;
use crate::cli::args::Common;
use crate::cli::exit::Failure;
use crate::cli::ui::Ui;
use crate::model::plural::counted;
use crate::places::{AuditPlace, aside, audit::random};
use crate::record::Draft;
use crate::record::draft::Origin;
use crate::webhook::Recorder;
use serde_json::{Value, json};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// How long another writer is waited for: what is recorded beside an answer must not hold the answer up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Records what a command did. Where that fails the command says so and goes on, and the loss is recorded with the next one
/// that can be; with `required` it is a failure.
///
/// # Errors
/// [`Failure`], with `required` alone.
pub(in crate::cli) fn record(documents: &[Value], required: bool, common: &Common, ui: &Ui) -> Result<(), Failure> {
    let place = match AuditPlace::find(None) {
        Ok(place) if place.exists() => place,
        Ok(place) if required => {
            return Err(AuditError::Absent { place: place.folder.display().to_string() }.into());
        }
        Err(e) if required => return Err(e.into()),
        Err(e @ AuditError::InCheckout { .. }) => {
            ui.note(&format!("this is in no audit log: {e}"));
            return Ok(());
        }
        Ok(_) | Err(_) => return Ok(()),
    };
    match put(&place, documents, common) {
        Ok(()) => Ok(()),
        Err(e) => {
            let counted = match place.lose(documents.len()) {
                Ok(()) => "the log will say so".to_owned(),
                Err(e) => format!("and the loss was not counted: {e}"),
            };
            if required {
                return Err(Failure::from(e).context("this was not recorded".to_owned()));
            }
            ui.note(&format!("this was not recorded, {counted}: {e}"));
            Ok(())
        }
    }
}

fn put(place: &AuditPlace, documents: &[Value], common: &Common) -> Result<(), AuditError> {
    let drafts = documents.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let patience = PATIENCE.min(common.timeout);
    super::record::through_server_or_lock(&drafts, place, patience)?;
    // What stays of it is recorded with the next one.
    let _ = told(place, patience);
    let _ = super::hook::take_in(place, patience);
    Ok(())
}

fn read(document: &Value) -> Result<Draft, AuditError> {
    let malformed =
        |e: crate::record::RecordError| AuditError::Malformed { what: "record".into(), cause: e.to_string() };
    Draft::read(document, Origin::Captured, &mut random).map_err(malformed)
}

/// Records what could not be recorded before, where that was counted.
///
/// # Errors
/// [`AuditError`]; what is left is recorded the next time.
pub(super) fn told(place: &AuditPlace, patience: Duration) -> Result<(), AuditError> {
    for (id, lost) in place.lost()? {
        let reason = format!("{} could not be written to this log", counted(lost, "record"));
        let loss = json!({ "kind": "loss", "lost": lost, "reason": reason, "source": "attest",
            "source_id": format!("lost/{id}"), "known": { "lost": "witnessed" } });
        super::record::through_server_or_lock(&[read(&loss)?], place, patience)?;
        place.sealed(&id)?;
    }
    Ok(())
}

/// Records that are kept until they can be written, beside what a server answers.
const WAITING: usize = 10_000;
/// Records that are written together.
const TOGETHER: usize = 500;

/// Records what a server decides, beside its answers and never before them: a thread of its own writes, and what comes while too
/// much waits is lost, counted, and said in the log. None where there is no audit log.
pub(in crate::cli) fn beside(common: &Common) -> Option<Recorder> {
    let place = AuditPlace::find(None).ok().filter(AuditPlace::exists)?;
    let (send, receive) = sync_channel::<Value>(WAITING);
    let (common, at) = (common.clone(), place.clone());
    aside(move || {
        while let Ok(first) = receive.recv() {
            let mut documents = vec![first];
            documents.extend(receive.try_iter().take(TOGETHER));
            if put(&at, &documents, &common).is_err() {
                // Where that cannot be counted either, the metrics of the server have it.
                let _ = at.lose(documents.len());
            }
        }
    });
    Some(Box::new(move |documents: Vec<Value>| {
        let lost = documents.into_iter().filter_map(|document| send.try_send(document).err()).count();
        lost == 0 || {
            let _ = place.lose(lost);
            false
        }
    }))
}
