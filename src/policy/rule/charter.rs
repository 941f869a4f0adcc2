//! `charter`: which issue or document authorised the work.

use super::{Check, Rule, RuleInput};
use crate::model::Code;
use crate::policy::schema;
use crate::policy::{At, PolicyError, Reason};
use serde_json::{Value, json};

const CHARTER: Code = Code::new("charter-mismatch");
const DIGEST: Code = Code::new("charter-digest-missing");
/// Codes of this rule.
pub(super) const CODES: &[Code] = &[CHARTER, DIGEST];

/// The row.
pub(super) struct Charter;

/// A demand on the charter.
#[derive(Debug, Default, Clone)]
pub struct CharterCheck {
    /// The charter's URI begins with this.
    pub prefix: Option<String>,
    /// The charter's URI is this.
    pub exact: Option<String>,
    /// Its digest must be recorded.
    pub digest: bool,
}

impl Rule for Charter {
    fn name(&self) -> &'static str {
        "charter"
    }

    fn parse(&self, field: &At<'_>) -> Result<Box<dyn Check>, PolicyError> {
        field.fields(&["uriPrefix", "uri", "digest"], &[])?;
        let text = |key: &str| field.get(key).map(|f| f.str().map(str::to_owned)).transpose();
        let digest = match field.get("digest") {
            Some(f) if f.str()? == "required" => true,
            Some(f) => return Err(f.error("the word `required`")),
            None => false,
        };
        let check = CharterCheck { prefix: text("uriPrefix")?, exact: text("uri")?, digest };
        if let (Some(prefix), Some(f)) = (&check.prefix, field.get("uriPrefix")) {
            // `https://h.example` also begins `https://h.example.evil/` and `https://h.example@evil/`.
            if prefix.split_once("://").is_some_and(|(_, rest)| !rest.contains('/')) {
                return Err(f.error("a URI that goes on to the `/` after its host"));
            }
        }
        if check.prefix.is_none() && check.exact.is_none() && !check.digest {
            return Err(field.error("at least one of uriPrefix, uri, digest"));
        }
        Ok(Box::new(check))
    }

    fn schema(&self) -> Value {
        schema::rule(
            "What authorised the work.",
            &[],
            json!({
                "uriPrefix": schema::text("Its URI begins with this, and stays below it."),
                "uri": schema::text("Its URI is this."),
                "digest": { "description": "A digest of its text must be recorded.", "const": "required" },
            }),
        )
    }
}

impl Check for CharterCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let provenance = input.provenance()?;
        let found = provenance.charter();
        let mut reasons = Vec::new();
        if let Some(prefix) = &self.prefix {
            // `.../issues/../../other/repo` begins with the prefix and names something else.
            if !found.is_some_and(|f| f.starts_with(prefix.as_str()) && stays_below(&f[prefix.len()..])) {
                reasons.push(Reason::unmet(CHARTER, "charter", format!("a URI that begins with `{prefix}`"), found));
            }
        }
        if let Some(exact) = &self.exact
            && found != Some(exact)
        {
            reasons.push(Reason::unmet(CHARTER, "charter", format!("`{exact}`"), found));
        }
        if self.digest && provenance.charter_digest().is_none_or(|d| d.strong().next().is_none()) {
            reasons.push(Reason::unmet(
                DIGEST,
                "charter digest",
                "a sha256, sha384 or sha512 digest of its text",
                None,
            ));
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}

/// Whether a URI's rest can only lead further down: no dot segment, in any spelling, no backslash, and nothing that
/// readers of URLs drop (white space, controls) so that a dot segment would come about.
fn stays_below(rest: &str) -> bool {
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let plain = rest.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    !plain.contains('\\') && !plain.split(['/', '?', '#']).any(|segment| segment == ".." || segment == ".")
}
