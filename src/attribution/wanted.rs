//! Which attributions are asked for.

use super::own::{Attribution, Key, trigger};

/// What an attribution has to say. What is not asked for may be anything; without a question every attribution is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The agent: `squad/agent`, or its name without a squad.
    pub agent: Option<String>,
    /// The squad.
    pub squad: Option<String>,
    /// The execution.
    pub execution: Option<String>,
    /// The model: `provider/model`, or the model without its provider.
    pub model: Option<String>,
    /// What set it off: the word alone.
    pub trigger: Option<String>,
}

impl Wanted {
    /// Whether one attribution says all of it.
    #[must_use]
    pub fn is_met_by(&self, said: &Attribution) -> bool {
        let path = said.agent_path();
        let squad = path.as_deref().and_then(|path| path.rsplit_once('/')).map(|(squad, _)| squad);
        let is = |wanted: &Option<String>, found: Option<&str>| match wanted {
            None => true,
            Some(wanted) => found.is_some_and(|found| found == wanted || last(found) == wanted),
        };
        let exactly = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        let word = said.get(Key::Trigger).and_then(trigger).map(|(trigger, _)| trigger.name());
        is(&self.agent, path.as_deref())
            && exactly(&self.squad, squad.or_else(|| said.get(Key::Squad)))
            && exactly(&self.execution, said.get(Key::Execution))
            && is(&self.model, said.get(Key::Model))
            && self.trigger.as_ref().is_none_or(|wanted| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted)))
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::own::attributions;

    #[test]
    fn one_attribution_has_to_say_all_of_it() {
        let message = "T\n\nAgent: fixer\nSquad: web\nTrigger: event (issue.labeled)\nExecution: e1\nModel: acme/m1\n\n\
                       Agent: scout\nSquad: lab\nTrigger: manual\nExecution: e2\nModel: m2\n";
        let all = attributions(message);
        let meets = |wanted: &Wanted| all.iter().any(|said| wanted.is_met_by(said));
        let some = |text: &str| Some(text.to_owned());
        for (wanted, met) in [
            (Wanted::default(), true),
            (Wanted { agent: some("web/fixer"), ..Wanted::default() }, true),
            (Wanted { agent: some("fixer"), ..Wanted::default() }, true),
            (Wanted { agent: some("lab/fixer"), ..Wanted::default() }, false),
            (Wanted { agent: some("fix"), ..Wanted::default() }, false),
            (Wanted { squad: some("lab"), ..Wanted::default() }, true),
            (Wanted { squad: some("web"), agent: some("scout"), ..Wanted::default() }, false),
            (Wanted { execution: some("e1"), model: some("m1"), ..Wanted::default() }, true),
            (Wanted { execution: some("e1"), model: some("m2"), ..Wanted::default() }, false),
            (Wanted { model: some("acme/m1"), ..Wanted::default() }, true),
            (Wanted { trigger: some("event"), ..Wanted::default() }, true),
            (Wanted { trigger: some("Manual"), ..Wanted::default() }, true),
            (Wanted { trigger: some("smart"), ..Wanted::default() }, false),
        ] {
            assert_eq!(meets(&wanted), met, "{wanted:?}");
        }
    }
}
