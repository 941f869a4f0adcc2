//! What a provenance lacks that a reader would look for, and the fields that whoever signs demands to be there.
//!
//! A build without a commit or an agent is attested all the same: it may be all that there is. But whoever signs is told, and
//! can make it an error by the names of the fields.

use crate::capture::input::base_image;
use crate::capture::required::{Lacking, Missing, Open};
use crate::capture::{CaptureError, Captured, Context, NO_CHARTER_DIGEST, Trigger};
use crate::model::plural::counted;
use crate::predicate::field::{self, Fact, Row};

impl Context {
    /// What is missing, apart from what may still come.
    #[must_use]
    pub fn missing(&self, open: Open) -> Vec<Missing> {
        let mut all = Vec::new();
        let all_of = std::cell::RefCell::new(&mut all);
        let add_path = |field: &'static str, text: String| all_of.borrow_mut().push(Missing { field, text });
        let add = |row: &Row, text: String| add_path(row.path, text);
        match &self.source {
            Captured::Absent { reason } => add(field::SOURCE, format!("no source commit is recorded: {reason}")),
            Captured::Found { value, .. } => {
                if value.uri().is_none() {
                    let why = self.git.remote.reason().unwrap_or("it has no address");
                    let text = format!("no repository is recorded beside the commit: {why}");
                    add_path(field::fact::REPOSITORY.name, text);
                }
                if let Some(text) = self.dirt() {
                    add(field::SOURCE_DIRTY, text);
                }
            }
        }
        if let Captured::Absent { reason } = &self.base_image
            && !base_image::is_none_at_all(reason)
        {
            add(field::BASE_IMAGE, format!("no base image is recorded: {reason}"));
        }
        for file in &self.unread_lock_files {
            let digest = if file.recorded { "; its digest is" } else { "" };
            add(field::LOCK_FILES, format!("the packages of a lock file are not recorded: {file}{digest}"));
        }
        if let Captured::Found { value, source } = &self.charter
            && value.digest().is_none()
        {
            let why = source.split_once(NO_CHARTER_DIGEST).map_or("its text was not fetched", |(_, why)| why);
            add_path(field::fact::CHARTER_DIGEST.name, format!("no digest of the charter is recorded: {why}"));
        }
        if self.agent.id.value().is_none() {
            add(
                field::AGENT_ID,
                "no agent is recorded: --agent, ATTEST_AGENT or `agent` of .attest.yaml names one".into(),
            );
        }
        // Nobody asks for a scheduled run.
        if self.requested_by.value().is_none() && self.trigger.value() != Some(&Trigger::Scheduled) {
            add(field::REQUESTED_BY, "nobody is recorded who asked for this: --requested-by names whom".into());
        }
        all.retain(|m| !open.may_bring(m.field));
        all
    }

    /// How the work tree differs from the commit, or why that is not known.
    fn dirt(&self) -> Option<String> {
        match &self.git.dirty {
            Captured::Absent { reason } => {
                Some(format!("whether the work tree equals the commit is not known: {reason}"))
            }
            Captured::Found { value, .. } if value.files > 0 => {
                let example = value.examples.first();
                let example = example.map_or_else(String::new, |(path, how)| format!(" ({path}: {how})"));
                Some(format!("the work tree differs from the commit in {}{example}", counted(value.files, "file")))
            }
            Captured::Found { .. } => None,
        }
    }

    /// That every required field is there, and nothing is missing of it.
    ///
    /// # Errors
    /// [`CaptureError::Required`].
    pub fn demanded(&self, open: Open) -> Result<(), CaptureError> {
        let flaws = self.missing(open);
        let mut lacking: Vec<Missing> = Vec::new();
        for required in self.required.iter().filter(|r| !open.may_bring(r.row.path)) {
            let own: Vec<_> = flaws.iter().filter(|m| required.covers(m.field)).cloned().collect();
            let all = match (own.is_empty(), required.fact) {
                (false, _) => own,
                (true, Some(fact)) => self.lacks_fact(fact, required.row).into_iter().collect(),
                (true, None) => {
                    let lacking = self.lacks(required.row);
                    lacking.map(|text| Missing { field: required.row.path, text }).into_iter().collect()
                }
            };
            lacking.extend(all.into_iter().filter(|m| !lacking.contains(m)).collect::<Vec<_>>());
        }
        if lacking.is_empty() { Ok(()) } else { Err(CaptureError::Required { missing: Lacking(lacking) }) }
    }

    /// That a part of a field is not there, and why.
    fn lacks_fact(&self, fact: &'static Fact, row: &Row) -> Option<Missing> {
        if !fact.values(&self.provenance()).is_empty() {
            return None;
        }
        let text = self.lacks(row).unwrap_or_else(|| format!("`{}` does not say it", field::short(row.path)));
        Some(Missing { field: fact.name, text })
    }

    /// Why a field is not there; `None` where it is.
    fn lacks(&self, row: &Row) -> Option<String> {
        if row.path == field::RESOLVED_DEPENDENCIES.path {
            let any = !self.dependencies.is_empty() || self.base_image.value().is_some();
            return (!any).then(|| "nothing is known that went into the build".to_owned());
        }
        let rows = self.explain();
        let is_in =
            |path: &str, outer: &str| path == outer || path.strip_prefix(outer).is_some_and(|r| r.starts_with('.'));
        // The field itself and its parts, or the whole that it is part of.
        let inner = rows.iter().filter(|r| is_in(&r.field, row.path)).collect::<Vec<_>>();
        let outer = rows.iter().filter(|r| is_in(row.path, &r.field));
        if inner.iter().any(|r| r.value.as_ref().is_some_and(is_something)) {
            return None;
        }
        for whole in outer.filter(|_| inner.is_empty()) {
            let rest = row.path[whole.field.len()..].trim_start_matches('.');
            let part = whole.value.as_ref().and_then(|v| match v {
                serde_json::Value::Object(_) => rest.split('.').try_fold(v, |v, key| v.get(key)),
                leaf => Some(leaf),
            });
            if part.is_some_and(is_something) {
                return None;
            }
        }
        let reason = inner.iter().find_map(|r| r.reason.clone());
        Some(reason.unwrap_or_else(|| "it was not captured".into()))
    }
}

fn is_something(value: &serde_json::Value) -> bool {
    !value.is_null() && !value.as_array().is_some_and(Vec::is_empty)
}
