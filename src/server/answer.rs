//! What is answered over HTTP.

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Media type of the body.
    pub media_type: &'static str,
    /// How long others may keep it.
    pub cache: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Media type of a text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

impl Answer {
    /// A text that nobody keeps.
    pub(super) fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, media_type: TEXT, cache: "no-store", body: text.into().into_bytes() }
    }
}
