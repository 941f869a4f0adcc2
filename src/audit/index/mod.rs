//! A copy of what can be asked: made from the log, never the truth, and made again at any time.

pub mod columns;
mod follow;
pub mod query;
mod sqlite;
mod value;

pub use sqlite::SqliteIndex;

use super::{AuditError, Opened};

/// A row of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Number of the record.
    pub index: u64,
    /// Its id, in hex.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// When it was put into the log (seconds since 1970, whole minutes).
    pub logged: i64,
    /// What else it has of the record, by [`columns::ALL`].
    pub columns: Vec<Option<String>>,
}

/// What an index is asked for: every condition that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Of one execution.
    pub execution: Option<String>,
    /// Of one record, by id.
    pub id: Option<String>,
    /// Of these kinds; of every kind where it is empty.
    pub kinds: Vec<&'static str>,
    /// Columns that have exactly this value.
    pub equal: Vec<(&'static str, String)>,
    /// A column whose value begins so.
    pub begins: Option<(&'static str, String)>,
    /// Not before this time, as RFC 3339 in UTC to the second.
    pub since: Option<String>,
    /// Not after this time.
    pub until: Option<String>,
    /// At most so many, the last ones.
    pub last: usize,
}

impl Question {
    /// For everything that fits, without a limit.
    #[must_use]
    pub fn all() -> Self {
        Self { last: usize::MAX, ..Self::default() }
    }

    /// With a column that has exactly this value.
    #[must_use]
    pub fn with(mut self, column: &'static str, value: &str) -> Self {
        self.equal.push((column, value.to_owned()));
        self
    }

    /// Of these kinds alone.
    #[must_use]
    pub fn of(mut self, kinds: &[&'static str]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }
}

/// Many values of one column, for who wants what stands behind each of them.
#[derive(Clone, Debug, Default)]
pub struct Following<'a> {
    /// The column, or one of [`columns::LISTS`], any of whose parts is looked up.
    pub column: &'static str,
    /// Its values.
    pub values: &'a [String],
    /// Whether the column only has to begin so.
    pub begins: bool,
    /// Of these kinds alone; of every kind where it is empty.
    pub kinds: &'static [&'static str],
    /// Columns that must have something.
    pub some: &'static [&'static str],
    /// Columns that must have nothing.
    pub none: &'static [&'static str],
    /// Columns that are wanted.
    pub wants: &'static [&'static str],
    /// Rows in which all that is wanted is the same are given once, the first of them.
    pub once: bool,
    /// How fields are known is not wanted.
    pub bare: bool,
    /// Not before this time, as RFC 3339 in UTC to the second.
    pub since: Option<&'a str>,
    /// Not after this time.
    pub until: Option<&'a str>,
}

/// A row behind a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The place of the value among those that were followed; 0 where there were none, which means all rows.
    pub value: usize,
    /// Number of the record.
    pub number: u64,
    /// Its kind.
    pub kind: String,
    /// When it was, in the words of who says so.
    pub at: Option<String>,
    /// How its fields are known that are not only declared, as [`columns`] writes it.
    pub known: Option<String>,
    /// What was wanted, in its order.
    pub cells: Vec<Option<String>>,
}

/// An index over one log.
///
/// A back end MUST forget what it is told to forget so that no byte of it stays, and MUST NOT answer beyond its position.
pub trait Index: Send {
    /// How many records of the log it has seen.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn position(&self) -> Result<u64, AuditError>;

    /// Up to which destruction of keys it has forgotten what cannot be read any more.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn generation(&self) -> Result<u64, AuditError>;

    /// That it has forgotten everything up to a destruction of keys.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn set_generation(&mut self, generation: u64) -> Result<(), AuditError>;

    /// Takes records, in their order, from its position on; none for those that cannot be read, which it only counts.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn apply(&mut self, records: &[(u64, Option<Opened>)]) -> Result<(), AuditError>;

    /// Gives every record that fits, in their order, none of which is held.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn each(&self, question: &Question, take: &mut dyn FnMut(Row)) -> Result<(), AuditError>;

    /// Records that fit, in their order.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn ask(&self, question: &Question) -> Result<Vec<Row>, AuditError> {
        let mut rows = Vec::new();
        self.each(question, &mut |row| rows.push(row))?;
        Ok(rows)
    }

    /// Numbers below its position of which it has no record, as ranges with both ends: what cannot be read, and what stands in
    /// clear in the log.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn missing(&self) -> Result<Vec<(u64, u64)>, AuditError>;

    /// Records with a source's own id, in their order, the first ones where there are very many: several sources may use one.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn of_source(&self, source_id: &str) -> Result<Vec<u64>, AuditError>;

    /// Gives what stands behind many values at once, in no order.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn follow(&self, following: &Following<'_>, take: &mut dyn FnMut(Behind)) -> Result<(), AuditError>;

    /// Forgets records, without a trace.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn forget(&mut self, records: &[u64]) -> Result<(), AuditError>;

    /// Forgets everything: it is made again from the log.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn clear(&mut self) -> Result<(), AuditError>;

    /// Every row, in their order, for who compares it with the log.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn rows(&self) -> Result<Vec<Row>, AuditError>;
}
