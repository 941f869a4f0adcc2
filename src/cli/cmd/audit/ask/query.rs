//! `attest audit query`

use super::{Open, rows, told};
use crate::audit::index::query::{self, Answer, Bounds, CUT, Cell, Cut, QueryError, TABLES};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::cli::ui::Ui;
use crate::flow::investigate;
use crate::inquiry::Hole;
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::AuditPlace;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// Ask in SQL: one SELECT of the tables `audit_log`, `execution` and `record`
///
/// It reads and nothing else, for as long as --timeout, and gives as many rows as --rows. Times are whole seconds in UTC, as text, so
/// that BETWEEN includes its ends. Nothing of people is there: `attest audit show` has those. Exit 1: no row; 3: the answer was cut,
/// or the index could not be read.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit query \"SELECT * FROM audit_log WHERE agent = 'claude-coder' AND
    timestamp BETWEEN '2025-01-15T10:00:00Z' AND '2025-01-15T11:00:00Z' ORDER BY timestamp\"
  attest audit query \"SELECT DISTINCT task_id FROM audit_log WHERE action = 'file_modify' AND path LIKE '%/auth/login.ts'\"
  attest audit query \"SELECT agent_path, count(*), sum(tokens_out) FROM execution GROUP BY 1\" --format csv
  attest audit query --tables                         tables and their columns")]
pub(in crate::cli) struct QueryArgs {
    /// The question
    #[arg(value_name = "SQL", required_unless_present = "tables")]
    sql: Option<String>,
    /// The most rows of the answer
    #[arg(long, value_name = "N", default_value_t = limits::QUERY_ROWS as u64,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=limits::QUERY_MOST_ROWS as u64))]
    rows: u64,
    /// List the tables and their columns
    #[arg(long, conflicts_with = "sql")]
    tables: bool,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, each with a value for every column: a text, a number or null.
    pub rows: Vec<Vec<Value>>,
    /// Why it is not the whole answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutReport>,
    /// Records of the log that are in no row, as they cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// Why an answer is not whole.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CutReport {
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
}

impl From<QueryError> for Failure {
    fn from(e: QueryError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

pub(in crate::cli) fn run(args: &QueryArgs, place: &AuditPlace, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let bounds = Bounds { time: common.timeout, rows: usize::try_from(args.rows).unwrap_or(usize::MAX) };
    let Some(sql) = args.sql.as_deref().filter(|_| !args.tables) else { return tables(place, bounds, common) };
    let answer = query::ask(&place.index_file(), sql, bounds)?;
    let holes = investigate::holes(&open.log(), 0..=u64::MAX, &|_| true)?;
    Ok(printed(&answer, &holes, bounds, common, ui))
}

fn printed(answer: &Answer, holes: &[Hole], bounds: Bounds, common: &Common, ui: &Ui) -> Outcome {
    let cut = answer.cut.map(|cut| match cut {
        Cut::Time => format!("the answer was cut after {} s, at {}", bounds.time.as_secs_f32(), rows_of(answer)),
        Cut::Rows => format!("the answer was cut at {}: there are more", rows_of(answer)),
        Cut::Size => format!("the answer was cut at {}: it takes more memory than a question may", rows_of(answer)),
    });
    let exit = match (&cut, answer.rows.is_empty()) {
        (Some(_), _) => Exit::Unknown,
        (None, true) => Exit::No,
        (None, false) => Exit::Done,
    };
    let out = |text: String, purpose| Outcome { stdout: text.into_bytes(), exit, purpose };
    if common.format == Format::Json {
        let cut = cut.map(|message| CutReport { code: CUT.to_string(), message });
        let report = QueryReport {
            schema_version: 1,
            columns: answer.columns.clone(),
            rows: answer.rows.iter().map(|row| row.iter().map(value).collect()).collect(),
            cut,
            holes: holes.iter().map(Into::into).collect(),
        };
        return Outcome::json(&report, exit);
    }
    if let Some(cut) = &cut {
        ui.note(&format!("{CUT}: {cut}"));
        ui.hint(CUT);
    }
    if common.format == Format::Csv {
        told::holes(holes).lines().for_each(|line| ui.note(line));
        let all = answer.rows.iter().map(|row| row.iter().map(plain).collect());
        return out(rows::csv(&answer.columns, all), Purpose::Data);
    }
    // Of a wide answer a person is shown what has a value; machines get all of it.
    let has_value = |at: &usize| answer.rows.iter().any(|row| row.get(*at).is_some_and(|cell| *cell != Cell::Null));
    let wide = answer.columns.len() > 8 && !answer.rows.is_empty();
    let shown: Vec<usize> = (0..answer.columns.len()).filter(|at| !wide || has_value(at)).collect();
    let head: Vec<&str> = shown.iter().map(|at| answer.columns[*at].as_str()).collect();
    let numbers = |at: &usize| {
        let mut cells = answer.rows.iter().filter_map(|row| row.get(shown[*at]));
        answer.rows.len() > 1 && cells.all(|cell| !matches!(cell, Cell::Text(_)))
    };
    let right: Vec<usize> = (0..head.len()).filter(numbers).collect();
    let all = answer.rows.iter().map(|row| shown.iter().filter_map(|at| row.get(*at).map(plain)).collect());
    let mut text = rows::table(&head, &all.collect::<Vec<_>>(), &right);
    let without = match answer.columns.len() - shown.len() {
        0 => String::new(),
        n => format!("; {} without a value are not shown", counted(n, "column")),
    };
    text += &format!("{}, {:.1} s{without}\n", rows_of(answer), answer.took.as_secs_f32());
    text += &told::holes(holes);
    out(text, Purpose::Data)
}

fn rows_of(answer: &Answer) -> String {
    counted(answer.rows.len(), "row")
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Number(n) => n.to_string(),
        Cell::Real(n) => n.to_string(),
        Cell::Text(text) => text.clone(),
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(n) => json!(n),
        Cell::Real(n) => json!(n),
        Cell::Text(text) => json!(text),
    }
}

/// The tables, with the columns that each has.
fn tables(place: &AuditPlace, bounds: Bounds, common: &Common) -> Result<Outcome, Failure> {
    let mut all: Vec<Vec<String>> = Vec::new();
    for table in TABLES {
        let answer = query::ask(&place.index_file(), &format!("SELECT * FROM {table} LIMIT 0"), bounds)?;
        all.extend(answer.columns.into_iter().map(|column| vec![(*table).to_owned(), column]));
    }
    let head = ["table".to_owned(), "column".to_owned()];
    let text = match common.format {
        Format::Json => {
            let rows = all.iter().map(|row| row.iter().map(|cell| json!(cell)).collect()).collect();
            let report = QueryReport { schema_version: 1, columns: head.to_vec(), rows, cut: None, holes: Vec::new() };
            return Ok(Outcome::json(&report, Exit::Done));
        }
        Format::Csv => rows::csv(&head, all.into_iter()),
        _ => {
            let names = |table: &&str| {
                let own = all.iter().filter(|row| row[0] == **table).map(|row| row[1].as_str());
                vec![(*table).to_owned(), own.collect::<Vec<_>>().join(", ")]
            };
            rows::table(&["TABLE", "COLUMNS"], &TABLES.iter().map(names).collect::<Vec<_>>(), &[])
        }
    };
    Ok(Outcome::done(text))
}
