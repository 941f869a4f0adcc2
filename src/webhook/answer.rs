//! What is decided on one image, in a few words: [`ImageAnswer`]. It is what is remembered, so it holds no evidence.

use crate::flow::Ruling;
use crate::model::Code;
use crate::model::shown::visible;
use crate::policy::{Effect, Verdict};

/// What is done with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageAnswer {
    /// The repository, as policies name it; as it was written where it is none.
    pub name: String,
    /// The digest that was decided on, where there is one.
    pub digest: Option<String>,
    /// What each policy says; of an image that no policy speaks about, what the webhook does with such.
    pub lines: Vec<Line>,
    /// Whether the image was named by a tag, which can move.
    pub by_tag: bool,
    /// Whether somebody else may soon answer otherwise: then it is not remembered.
    pub passing: bool,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What follows from it.
    pub effect: Effect,
    /// The policy, where it is one's.
    pub policy: Option<String>,
    /// The code, where it is no clean admission.
    pub code: Option<Code>,
    /// Why.
    pub message: String,
}

/// Characters of one reason.
const REASON: usize = 400;

impl Line {
    /// A reason of no policy.
    #[must_use]
    pub fn own(effect: Effect, code: Code, message: &str) -> Self {
        Self { effect, policy: None, code: Some(code), message: fit(message, REASON) }
    }
}

impl From<&Ruling> for Line {
    fn from(ruling: &Ruling) -> Self {
        let reason = ruling.decision.reason();
        let mut message = reason.map_or_else(String::new, |r| r.message.clone());
        if let Effect::Except(why) = &ruling.effect {
            message = format!("{why} ({message})");
        }
        Self {
            effect: ruling.effect.clone(),
            policy: Some(ruling.policy.clone()),
            code: reason.map(|r| r.code),
            message: fit(&message, REASON),
        }
    }
}

impl ImageAnswer {
    /// What is done with the image: the worst of all lines.
    #[must_use]
    pub fn effect(&self) -> Worst {
        self.lines.iter().map(|line| Worst::of(&line.effect)).max().unwrap_or(Worst::Deny)
    }

    /// Whether nothing stands against it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lines.iter().all(|line| line.effect == Effect::Admit)
    }
}

/// What becomes of an object: the worst of all of its images. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worst {
    /// Admitted.
    Admit,
    /// Left to the `failurePolicy`.
    Defer,
    /// Denied.
    Deny,
}

impl Worst {
    fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Admit | Effect::Except(_) | Effect::Warn | Effect::Record => Self::Admit,
            Effect::Defer => Self::Defer,
            Effect::Deny => Self::Deny,
        }
    }
}

impl From<&Line> for Worst {
    fn from(line: &Line) -> Self {
        Self::of(&line.effect)
    }
}

impl From<Worst> for Verdict {
    fn from(worst: Worst) -> Self {
        match worst {
            Worst::Admit => Self::Allow,
            Worst::Defer => Self::Unavailable,
            Worst::Deny => Self::Deny,
        }
    }
}

/// Characters of an image's name: longer ones are none.
const NAME: usize = 300;

/// A name that somebody else wrote, as it is shown.
#[must_use]
pub(super) fn short(name: &str) -> String {
    fit(name, NAME)
}

/// A text on one line, what would move a cursor or turn a line around escaped, and of at most so many characters.
#[must_use]
pub(super) fn fit(text: &str, most: usize) -> String {
    let head: String = text.chars().take(most + 1).collect();
    let mut out: Vec<char> = visible(&head).chars().collect();
    if out.len() > most {
        out.truncate(most.saturating_sub(3));
        out.extend("...".chars());
    }
    out.into_iter().collect()
}
