//! A checkpoint that somebody outside saw, and what an account makes of one that the log fits.

use super::Account;
use crate::tlog::Checkpoint;
use std::collections::BTreeMap;

/// A checkpoint that somebody kept elsewhere, already found to be signed by the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Where it was kept.
    pub name: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Who saw it, and when (seconds since 1970).
    pub seen: BTreeMap<String, u64>,
    /// Whether it is proof of what fits it, and not only of what does not: it was kept elsewhere, or as many cosigned it as are
    /// demanded. A copy beside the log, which nobody else saw, is the log's own word.
    pub proves: bool,
    /// Public logs that have it, by their addresses: not proof by itself, as they take every checkpoint that the log signs, but no
    /// two of them stand there unseen.
    pub public: Vec<String>,
    /// By when it was there, and who says so.
    pub time: Option<(u64, Vec<String>)>,
    /// The first record that is another one there, where a copy of the records was compared.
    pub differs: Option<u64>,
}

impl Outside {
    /// One that somebody kept elsewhere, and of which nobody else says anything.
    #[must_use]
    pub fn kept(name: &str, checkpoint: Checkpoint) -> Self {
        let (name, seen, public) = (name.to_owned(), BTreeMap::new(), Vec::new());
        Self { name, checkpoint, seen, proves: true, public, time: None, differs: None }
    }
}

impl Account {
    /// Takes note of one that fits; they come by their sizes.
    pub(super) fn fits(&mut self, outside: &Outside) {
        let size = outside.checkpoint.size;
        self.fits = size;
        // Of several of one size, the earliest time.
        let earlier = |time: &(u64, Vec<String>)| !matches!(&self.timed, Some((n, at)) if *n == size && at <= time);
        if let Some(time) = outside.time.as_ref().filter(|time| earlier(time)) {
            self.timed = Some((size, time.clone()));
        }
        if !outside.public.is_empty() {
            self.public = Some((size, outside.public.clone()));
        }
        let known = self.furthest.as_ref();
        let further = |known: &Outside| size > known.checkpoint.size || outside.seen.len() >= known.seen.len();
        if outside.proves && known.is_none_or(further) {
            self.furthest = Some(outside.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::Hash;

    #[test]
    fn the_largest_that_fits_says_what_is_known_and_of_one_size_the_earliest_time() {
        let of = |size: u64, time: Option<u64>, public: &[&str]| {
            let root = Hash::of_nothing();
            let checkpoint = Checkpoint { origin: "o".into(), size, root, extensions: vec![] };
            let time = time.map(|time| (time, vec![format!("by {time}")]));
            let public = public.iter().map(|log| (*log).to_owned()).collect();
            Outside { time, public, proves: false, ..Outside::kept("a", checkpoint) }
        };
        let mut account = Account::default();
        for outside in [of(3, Some(9), &["r1"]), of(5, Some(7), &[]), of(5, Some(4), &["r2"]), of(5, Some(6), &[])] {
            account.fits(&outside);
        }
        account.fits(&of(6, None, &[]));
        assert_eq!(account.timed, Some((5, (4, vec!["by 4".to_owned()]))));
        assert_eq!(account.public, Some((5, vec!["r2".to_owned()])));
        assert_eq!((account.fits, account.furthest), (6, None), "none of these proves anything");
    }
}
