//! What stands behind many values at once, in one question to SQLite: who follows a hundred thousand things asks a few dozen times.

use super::value::{fail, plain};
use super::{Behind, Following, columns};
use crate::audit::AuditError;
use rusqlite::{Connection, ToSql};

/// Gives what stands behind the values.
pub(super) fn follow(
    connection: &Connection,
    following: &Following<'_>,
    take: &mut dyn FnMut(Behind),
) -> Result<(), AuditError> {
    let sql = sql(following);
    let values = serde_json::to_string(following.values)
        .map_err(|e| AuditError::Unusable { what: "the index of the audit log".into(), cause: e.to_string() })?;
    let mut given: Vec<&dyn ToSql> = vec![&values];
    given.extend(following.since.iter().map(|time| time as &dyn ToSql));
    given.extend(following.until.iter().map(|time| time as &dyn ToSql));
    let mut statement = connection.prepare(&sql).map_err(fail)?;
    let mut rows = statement.query(given.as_slice()).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        let cells = (5..5 + following.wants.len()).map(|at| Ok(plain(row.get_ref(at)?)));
        let cells = cells.collect::<Result<Vec<_>, rusqlite::Error>>().map_err(fail)?;
        take(Behind {
            value: usize::try_from(row.get::<_, i64>(0).map_err(fail)?).unwrap_or_default(),
            number: row.get::<_, i64>(1).map_err(fail)?.unsigned_abs(),
            kind: row.get(2).map_err(fail)?,
            at: row.get(3).map_err(fail)?,
            known: row.get(4).map_err(fail)?,
            cells,
        });
    }
    Ok(())
}

/// The question. With `once`, only what is asked for is looked at in each row, so that an index that has it is enough, and the first
/// row of each is read after it.
fn sql(following: &Following<'_>) -> String {
    let wants: Vec<String> = following.wants.iter().map(|name| format!("r.\"{name}\"")).collect();
    let key = if following.values.is_empty() { "0" } else { "j.key" };
    let listed: String = wants.iter().map(|name| format!(", {name}")).collect();
    let rest = rest(following);
    if !following.once {
        return format!("SELECT {key}, r.number, r.kind, r.timestamp, r.known{listed} {rest}");
    }
    let named: String = wants.iter().enumerate().map(|(at, name)| format!(", {name} AS c{at}")).collect();
    let given: String = (0..wants.len()).map(|at| format!(", g.c{at}")).collect();
    let by = std::iter::once(key.to_owned()).chain(wants).filter(|name| name != "0").collect::<Vec<_>>().join(", ");
    let by = if by.is_empty() { String::new() } else { format!("GROUP BY {by}") };
    format!(
        "SELECT g.key, g.number, f.kind, f.timestamp, f.known{given} FROM (SELECT {key} AS key, min(r.number) AS number{named} {rest} {by}) AS g
         CROSS JOIN record AS f ON f.number = g.number"
    )
}

/// From where, and what has to fit.
fn rest(following: &Following<'_>) -> String {
    let mut all: Vec<String> = vec!["?1 IS NOT NULL".to_owned()];
    let from = match following.values {
        [] => "FROM record AS r",
        _ if columns::LISTS.contains(&following.column) => {
            all.push(format!("p.field = '{}'", following.column));
            "FROM json_each(?1) AS j CROSS JOIN part AS p ON p.value = j.value CROSS JOIN record AS r ON r.number = p.number"
        }
        _ => {
            all.push(format!("r.\"{}\" = j.value", following.column));
            "FROM json_each(?1) AS j CROSS JOIN record AS r"
        }
    };
    if !following.kinds.is_empty() {
        all.push(format!("r.kind IN ('{}')", following.kinds.join("', '")));
    }
    all.extend(following.some.iter().map(|name| format!("r.\"{name}\" IS NOT NULL")));
    all.extend(following.none.iter().map(|name| format!("r.\"{name}\" IS NULL")));
    let mut given = 1;
    for (time, sign) in [(following.since, ">="), (following.until, "<=")] {
        if time.is_some() {
            given += 1;
            all.push(format!("r.timestamp {sign} ?{given}"));
        }
    }
    format!("{from} WHERE {}", all.join(" AND "))
}
