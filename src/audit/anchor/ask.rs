//! The conversation with one witness: it is told which size it is believed to have seen last, says so where that is another,
//! and is then shown the proof from there.

use super::{Witness, WitnessAnswer};
use crate::audit::AuditError;
use crate::model::{Timestamp, limits};
use crate::tlog::witness::{AddCheckpoint, size_of};
use crate::tlog::{Checkpoint, CosignerKey, Hash, Line};

/// How often a witness may say another size: somebody else may hand in checkpoints of this log meanwhile.
const TRIES: usize = 3;

/// What a witness is asked to cosign.
pub struct Asked<'a> {
    /// The checkpoint as a note that the log signed.
    pub note: &'a str,
    /// Its text.
    pub text: &'a str,
    /// What it says.
    pub checkpoint: &'a Checkpoint,
    /// The size that the witness saw last, as far as is known here.
    pub old: u64,
    /// The proof that the checkpoint continues a smaller tree of this log.
    pub proof: &'a (dyn Fn(u64) -> Result<Vec<Hash>, AuditError> + Sync),
    /// The present (seconds since 1970).
    pub now: u64,
}

/// What a witness said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It cosigned.
    Cosigned {
        /// The signature line, checked against the witness's key.
        line: String,
        /// When, as it says (seconds since 1970).
        time: u64,
    },
    /// Nobody answered, or it could not answer now.
    Unreached {
        /// Why.
        cause: String,
    },
    /// It will not, or what it sent is no cosignature by its key.
    Refused {
        /// Why.
        cause: String,
    },
    /// It saw what this log does not have: more records, or another history.
    Disagrees {
        /// What it saw.
        cause: String,
    },
}

/// Asks a witness to cosign.
///
/// # Errors
/// [`AuditError`] where this log cannot make the proof.
pub async fn ask(witness: &dyn Witness, key: &CosignerKey, asked: &Asked<'_>) -> Result<Said, AuditError> {
    let size = asked.checkpoint.size;
    let mut old = asked.old.min(size);
    for _ in 0..TRIES {
        let body = AddCheckpoint { old, proof: (asked.proof)(old)?, checkpoint: asked.note }.write();
        let answer = match witness.add_checkpoint(&body).await {
            Ok(answer) => answer,
            Err(cause) => return Ok(Said::Unreached { cause }),
        };
        match (answer.status, size_of(&answer.body)) {
            (200, _) => return Ok(cosigned(&answer.body, key, asked)),
            (409, Some(seen)) if seen > size => {
                let cause =
                    format!("it saw {seen} records of this log, which has {size}: it was cut, or is an old copy");
                return Ok(Said::Disagrees { cause });
            }
            (409, Some(seen)) if seen != old => old = seen,
            _ => return Ok(declined(&answer)),
        }
    }
    Ok(Said::Unreached { cause: "what it saw last changed with every question".into() })
}

/// The cosignature in an answer. Lines by other keys are passed over, as the specification demands.
fn cosigned(body: &[u8], key: &CosignerKey, asked: &Asked<'_>) -> Said {
    let lines = std::str::from_utf8(body).unwrap_or_default().lines().take(limits::COSIGNATURES);
    for text in lines {
        let Ok(line) = Line::parse(text) else { continue };
        let Some(time) = key.cosigned(asked.text, &line) else { continue };
        // A witness cosigns when it is asked: one of 1970 would say of every record that it is older than it is.
        if time.abs_diff(asked.now) > limits::WITNESS_SKEW_SECONDS {
            let said = i64::try_from(time).ok().and_then(Timestamp::from_unix);
            let said = said.map_or_else(|| format!("second {time}"), |said| said.to_string());
            return Said::Refused {
                cause: format!("its cosignature is of {said}, which is not now: a clock is wrong"),
            };
        }
        return Said::Cosigned { line: line.to_string(), time };
    }
    Said::Refused { cause: format!("its answer has no cosignature by the key {:?} that the policy names", key.key()) }
}

fn declined(answer: &WitnessAnswer) -> Said {
    let words = if answer.words.is_empty() { String::new() } else { format!(": {}", answer.words) };
    let cause = format!("it answered with status {}{words}", answer.status);
    match answer.status {
        404 => Said::Refused { cause: "it does not watch this log: its operator has to add the log's key".into() },
        422 => Said::Disagrees { cause: format!("this checkpoint does not continue what it saw of this log{words}") },
        429 | 500.. => Said::Unreached { cause },
        _ => Said::Refused { cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{BoxFuture, ready};
    use crate::tlog::Cosigner;
    use crate::tlog::note::NoteSigner;
    use std::sync::Mutex;

    /// Answers by a script, and remembers what it was asked.
    struct Scripted(Mutex<Vec<Result<WitnessAnswer, String>>>, Mutex<Vec<u64>>);

    impl Witness for Scripted {
        fn add_checkpoint<'a>(&'a self, body: &'a str) -> BoxFuture<'a, Result<WitnessAnswer, String>> {
            self.1.lock().unwrap().push(AddCheckpoint::parse(body.as_bytes()).unwrap().old);
            ready(self.0.lock().unwrap().remove(0))
        }
    }

    fn answer(status: u16, body: &str) -> Result<WitnessAnswer, String> {
        Ok(WitnessAnswer { status, body: body.as_bytes().to_vec(), words: body.trim().to_owned() })
    }

    fn witness() -> Cosigner {
        Cosigner::of(NoteSigner::from_seed("w.example", &[2; 32]).unwrap()).unwrap()
    }

    /// What is made of a script of answers, and which sizes the witness was told.
    fn said(script: Vec<Result<WitnessAnswer, String>>) -> (Said, Vec<u64>) {
        let text = text(5);
        let note = NoteSigner::from_seed("log.example", &[1; 32]).unwrap().sign(&text);
        let checkpoint = Checkpoint::parse(&text).unwrap();
        let proof = |old: u64| Ok(vec![Hash::of_nothing(); usize::from(old > 0)]);
        let (now, checkpoint) = (1_800_000_000, &checkpoint);
        let asked = Asked { note: &note, text: &text, checkpoint, old: 2, proof: &proof, now };
        let scripted = Scripted(Mutex::new(script), Mutex::default());
        let own = witness();
        let future = ask(&scripted, own.key(), &asked);
        let said = futures_util::FutureExt::now_or_never(future).unwrap().unwrap();
        (said, scripted.1.into_inner().unwrap())
    }

    fn text(size: u64) -> String {
        format!("log.example\n{size}\n{}\n", Hash::of_nothing())
    }

    #[test]
    fn a_cosignature_counts_by_the_key_of_the_policy_over_this_checkpoint() {
        let good = witness().cosign(&text(5), 1_800_000_000);
        let other = Cosigner::of(NoteSigner::from_seed("w.example", &[3; 32]).unwrap()).unwrap();
        let other = other.cosign(&text(5), 9);
        let (found, told) = said(vec![answer(200, &format!("{other}\n{good}\n"))]);
        assert_eq!((found, told), (Said::Cosigned { line: good, time: 1_800_000_000 }, vec![2]));
        for (bad, why) in [
            (other, "another key"),
            (witness().cosign(&text(6), 9), "another checkpoint"),
            (witness().cosign(&text(5), 1_800_000_301), "a time yet to come"),
            (witness().cosign(&text(5), 1_799_999_699), "a time long ago"),
            (witness().cosign(&text(5), 9), "1970"),
            ("\u{2014} w.example AAAA".into(), "no signature"),
            (String::new(), "nothing"),
        ] {
            let (found, _) = said(vec![answer(200, &format!("{bad}\n"))]);
            assert!(matches!(found, Said::Refused { .. }), "{why}: {found:?}");
        }
    }

    #[test]
    fn a_cosignature_is_of_the_time_of_asking_within_what_clocks_differ() {
        for time in [1_799_999_700, 1_800_000_300] {
            let (found, _) = said(vec![answer(200, &format!("{}\n", witness().cosign(&text(5), time)))]);
            assert!(matches!(found, Said::Cosigned { time: at, .. } if at == time), "{found:?}");
        }
        let (found, _) = said(vec![answer(200, &format!("{}\n", witness().cosign(&text(5), 9)))]);
        assert!(matches!(&found, Said::Refused { cause } if cause.contains("1970-01-01T00:00:09Z")), "{found:?}");
    }

    #[test]
    fn a_witness_that_saw_another_size_is_shown_the_proof_from_there_and_one_that_saw_more_is_heard() {
        let good = witness().cosign(&text(5), 1_800_000_007);
        let (found, told) = said(vec![answer(409, "4\n"), answer(200, &format!("{good}\n"))]);
        assert!(matches!(found, Said::Cosigned { time: 1_800_000_007, .. }));
        assert_eq!(told, [2, 4]);
        let (found, told) = said(vec![answer(409, "0\n"), answer(409, "5\n"), answer(200, &format!("{good}\n"))]);
        assert!(matches!(found, Said::Cosigned { .. }));
        assert_eq!(told, [2, 0, 5]);
        let (found, told) = said(vec![answer(409, "6\n")]);
        assert!(matches!(&found, Said::Disagrees { cause } if cause.contains("saw 6 records")), "{found:?}");
        assert_eq!(told, [2]);
        assert!(matches!(said(vec![answer(422, "no\n")]).0, Said::Disagrees { .. }));
    }

    #[test]
    fn what_may_pass_is_not_a_refusal() {
        let unreached = |script| matches!(said(script).0, Said::Unreached { .. });
        assert!(unreached(vec![Err("connection refused".into())]));
        assert!(unreached(vec![answer(503, "")]) && unreached(vec![answer(429, "")]));
        assert!(unreached(vec![answer(409, "1\n"), answer(409, "3\n"), answer(409, "1\n")]));
        let refused = |script| matches!(said(script).0, Said::Refused { .. });
        assert!(refused(vec![answer(404, "")]) && refused(vec![answer(403, "")]) && refused(vec![answer(400, "")]));
        assert!(refused(vec![answer(409, "no size")]) && refused(vec![answer(409, "2\n")]), "it says what it was told");
    }
}
