//! Whether a witness cosigned a checkpoint (C2SP tlog-cosignature v1, Ed25519).

use super::signature::made_by;
use crate::model::Timestamp;
use crate::trust::WitnessKey;

/// How far the time of a cosignature may lie ahead of the verifier's clock (seconds).
const CLOCK_SKEW: u64 = 300;

/// One signature line of a checkpoint.
pub(super) struct Line<'a> {
    /// Name of the signer.
    pub(super) name: &'a str,
    /// Id of its key.
    pub(super) id: &'a [u8],
    /// What follows the id.
    pub(super) signature: &'a [u8],
}

/// Whether a line is a witness's cosignature over the text of a checkpoint: its origin, size, root hash and whatever
/// else it says. A cosignature without a time, or of one that is yet to come, is none.
pub(super) fn cosigned(witness: &WitnessKey, text: &[u8], line: &Line<'_>, now: Timestamp) -> bool {
    if line.name != witness.name() || line.id != witness.id() {
        return false;
    }
    let Some((time, signature)) = line.signature.split_first_chunk::<8>() else { return false };
    let time = u64::from_be_bytes(*time);
    let latest = u64::try_from(now.unix()).unwrap_or(0).saturating_add(CLOCK_SKEW);
    if time == 0 || time > latest {
        return false;
    }
    let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
    made_by(witness.key(), &message, signature)
}
