//! [`Trigger`]: why a run began.

/// Why a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A person asked for it.
    Manual,
    /// A timetable.
    Scheduled,
    /// Something happened: a push, a merge request, another run.
    Event,
    /// An agent decided to; only ever said by flag.
    Smart,
}

impl Trigger {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Manual, Self::Scheduled, Self::Event, Self::Smart];

    /// As provenance writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Event => "event",
            Self::Smart => "smart",
        }
    }

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}
