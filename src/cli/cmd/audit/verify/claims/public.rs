//! What public logs add to the claims. They take every checkpoint that the log's key and the key of anchors sign, a second history,
//! too: but it stands there for everybody to see, beside the first. So they prove nothing alone, and what they raise is conditional.

use super::Claim;
use crate::audit::Account;

/// Says of the claims that nobody else proves as far what the public logs have.
pub(super) fn raise(claims: &mut [Claim], account: &Account) {
    let Some((size, logs)) = &account.public else { return };
    let until = account.furthest.as_ref().map_or(0, |outside| outside.checkpoint.size);
    if *size <= until {
        return;
    }
    let by = logs.join(", ");
    for claim in claims.iter_mut().filter(|claim| ["conditional", "unprovable"].contains(&claim.standing.as_str())) {
        let alone = match claim.claim.as_str() {
            "not edited" => {
                format!("the first {size} stand in {by}, which keeps what they were; the rest by this machine's word")
            }
            "not cut" => format!("not before record {size}, as {by} has it; nobody outside saw anything later"),
            "one history" => {
                format!("the first {size} stand in {by}: another history would, too, for everybody to see")
            }
            "not forged" => {
                format!(
                    "who holds the log's keys could write all anew, and its first {size} stay in {by} for everybody to see"
                )
            }
            _ => continue,
        };
        claim.standing = "conditional".into();
        if until == 0 {
            (claim.because, claim.until, claim.by) = (alone, Some(*size), logs.clone());
        } else {
            claim.because += &format!("; the first {size} stand in {by}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::super::tests::account;
    use crate::audit::Account;

    #[test]
    fn a_public_log_raises_what_nobody_proves_and_proves_nothing_alone() {
        let with = |account: Account, size: u64| {
            let account = Account { public: Some((size, vec!["https://rekor.example".into()])), ..account };
            let claims = of(&account, true);
            claims
                .iter()
                .map(|c| format!("{}: {} {:?} {}", c.claim, c.standing, c.until, c.because))
                .collect::<Vec<_>>()
        };
        let alone = with(account(4, 0, &[]), 4);
        for claim in ["not edited", "not cut", "one history", "not forged"] {
            let found = alone.iter().find(|line| line.starts_with(claim)).unwrap();
            assert!(found.contains(": conditional Some(4) ") && found.contains("https://rekor.example"), "{found}");
        }
        assert!(alone.iter().any(|line| line.starts_with("times true: unprovable")), "it says no time: {alone:?}");
        // Beyond a witness it is told of, and where the witness saw as much it adds nothing.
        let beyond = with(account(5, 4, &["w1"]), 5);
        assert!(
            beyond[0].contains("the first 4 by witness w1") && beyond[0].contains("; the first 5 stand in"),
            "{beyond:?}"
        );
        let of_witness = with(account(4, 4, &["w1"]), 4);
        assert!(
            of_witness[0].starts_with("not edited: proved") && !of_witness.concat().contains("rekor"),
            "{of_witness:?}"
        );
        // What is known to be untrue stays so.
        let cut = with(Account { cut: true, ..account(4, 0, &[]) }, 4);
        assert!(cut[1].starts_with("not cut: NO"), "{cut:?}");
    }
}
