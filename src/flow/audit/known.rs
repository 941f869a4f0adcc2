//! Which record of a log a draft is: of one source, or of the hook of an agent and its transcript, by the source's own id.

use super::{hooked, opened};
use crate::audit::keys::Keys;
use crate::audit::{AuditError, Index, LogStore};
use crate::record::Draft;
use crate::record::draft::witness_of;

/// The record that is known by the same, and whether it says another thing. The index only says where to look.
pub(super) fn of_source(
    store: &dyn LogStore,
    keys: &Keys,
    index: &dyn Index,
    draft: &Draft,
) -> Result<Option<(u64, bool)>, AuditError> {
    let Some(id) = draft.text("source_id") else { return Ok(None) };
    for number in index.of_source(id)? {
        let Ok(found) = opened(store, keys, number)? else { continue };
        let erased: Vec<&str> = found.redacted.iter().map(|(name, _)| *name).collect();
        if found.draft.text("source_id") == Some(id)
            && let Some(differs) = is_known(draft, &found.draft, &erased)
        {
            return Ok(Some((number, differs)));
        }
    }
    Ok(None)
}

/// What a record is known by among those that are handed in together: its source, that one's own id, and the number of its event.
pub(super) fn name_of(draft: &Draft) -> Option<String> {
    let (id, source) = (draft.text("source_id")?, draft.text("source").unwrap_or_default());
    Some(format!("{source} {id} {:?}", hooked::number(draft)))
}

/// Of two records with one id: whether a draft is the other one, and then whether it surely says another thing. What the transcript
/// of an agent says of a call that its hook told is known already; a hook saw what a transcript only claims, so it is recorded. So is
/// each of two hooks that tell one call: both are counted among the events of the session, and questions count the call once.
fn is_known(draft: &Draft, recorded: &Draft, erased: &[&str]) -> Option<bool> {
    let (source, before) = (draft.text("source").unwrap_or_default(), recorded.text("source").unwrap_or_default());
    match source == before && hooked::number(draft) == hooked::number(recorded) {
        true => Some(draft.differs(recorded, erased)),
        false if witness_of(before) == source => Some(draft.contradicts(recorded)),
        false => None,
    }
}
