//! `--prices FILE`: what models cost, and what is said of those without a price.

use crate::cli::exit::Failure;
use crate::flow::audit::prices::{Prices, Unpriced};
use crate::model::{limits, plural::counted, shown};
use crate::places::files;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// What was used without a price, of one model and for one reason.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnpricedReport {
    /// The model, as the records name it; absent where they name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why there is no price.
    pub why: String,
    /// How many executions; of what is of none, how many sessions, and of what is of neither, how many records.
    pub executions: u64,
    /// How many records.
    pub records: u64,
}

/// Reads the list of a flag.
pub(in crate::cli::cmd::audit) fn read(path: &Path) -> Result<Prices, Failure> {
    let bytes = files::read(path, limits::PRICES_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    Prices::read(&text)
        .map_err(|e| Failure::of(e.code(), e.to_string()).context(format!("--prices {}", path.display())))
}

/// For `--format json`.
pub(in crate::cli::cmd::audit) fn report(all: &[Unpriced]) -> Vec<UnpricedReport> {
    let one = |Unpriced { model, why, executions, records }: &Unpriced| {
        let (model, why) = (model.clone(), why.clone());
        UnpricedReport { model, why, executions: *executions, records: *records }
    };
    all.iter().map(one).collect()
}

/// For people: a line for each.
pub(in crate::cli::cmd::audit) fn told(all: &[UnpricedReport]) -> String {
    let line = |one: &UnpricedReport| {
        let model = one.model.as_deref().map(|model| format!(" of model {}", shown::line(model)));
        let (what, of) = (counted(one.executions, "execution"), model.unwrap_or_default());
        format!("{what} without a price{of}, and so without a cost: {}\n", one.why)
    };
    all.iter().map(line).collect()
}
