//! Checkpoints (C2SP tlog-checkpoint): what a log says of its tree, as the text of a note.

use super::Hash;
use super::error::{LogError, decimal};
use crate::model::limits;
use std::fmt;

/// The size and root of a log's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log, by its address without a scheme.
    pub origin: String,
    /// How many entries the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Further lines, as they stand.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// Names the line that is missing or has another form.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let wrong = |cause: &str| LogError::new("checkpoint", cause);
        if text.len() > limits::NOTE_BYTES {
            return Err(wrong(&format!("{} bytes, of {} at most", text.len(), limits::NOTE_BYTES)));
        }
        let text = text.strip_suffix('\n').ok_or_else(|| wrong("the last line has no end"))?;
        let mut lines = text.split('\n');
        let origin =
            lines.next().filter(|line| !line.is_empty()).ok_or_else(|| wrong("no origin in its first line"))?;
        let size = lines.next().and_then(decimal).ok_or_else(|| wrong("no size in its second line"))?;
        let root = lines.next().and_then(Hash::parse).ok_or_else(|| wrong("no root of 32 bytes in its third line"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(wrong("an empty line"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }
}

impl fmt::Display for Checkpoint {
    /// The text of its note, with the last line's end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_has_one_form() {
        let root = Hash::of_nothing();
        let text = format!("log.example/a\n0\n{root}\n");
        let read = Checkpoint::parse(&text).unwrap();
        assert_eq!((read.origin.as_str(), read.size, read.root, read.extensions.len()), ("log.example/a", 0, root, 0));
        assert_eq!(read.to_string(), text);
        let more = format!("{text}one more\n");
        assert_eq!(Checkpoint::parse(&more).unwrap().to_string(), more);
        for bad in [
            String::new(),
            "o\n".into(),
            "o\n1\n".into(),
            text.trim_end().into(),
            text.replacen("log.example/a", "", 1),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n\n{root}\n"),
            "o\n1\nAAAA\n".into(),
            format!("o\n1\n{}\n", root.to_string().trim_end_matches('=')),
            format!("{text}\n"),
            format!("{text}\na\n"),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
