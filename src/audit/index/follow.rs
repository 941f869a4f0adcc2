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
    let values = match following.values {
        // A single value is compared as it is, so that rows come in the order of the index.
        [one] => one.clone(),
        many => serde_json::to_string(many)
            .map_err(|e| AuditError::Unusable { what: "the index of the audit log".into(), cause: e.to_string() })?,
    };
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
    let key = if following.values.len() > 1 { "j.key" } else { "0" };
    let listed: String = wants.iter().map(|name| format!(", {name}")).collect();
    let rest = rest(following);
    if following.once && following.column == "execution_id" && following.wants == ["session_id"] {
        return sessions(following.values.len() > 1);
    }
    if !following.once {
        let known = if following.bare { "NULL" } else { "r.known" };
        return format!("SELECT {key}, r.number, r.kind, r.timestamp, {known}{listed} {rest}");
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

/// The sessions of executions: one after another out of the index, and never each of the thousand records that name one.
fn sessions(many: bool) -> String {
    let first = if many { "SELECT key, value, '' FROM json_each(?1)" } else { "SELECT 0, ?1, ''" };
    format!(
        "WITH RECURSIVE s(k, e, v) AS ({first} UNION ALL SELECT k, e, (SELECT min(r.session_id) FROM record AS r INDEXED BY
         record_session_of WHERE r.execution_id = e AND r.session_id > v) FROM s WHERE v IS NOT NULL)
         SELECT k, 0, '', NULL, NULL, v FROM s WHERE v <> ''"
    )
}

/// From where, and what has to fit.
fn rest(following: &Following<'_>) -> String {
    let Following { column, values, .. } = following;
    let (many, one) = (values.len() > 1, values.len() == 1);
    let value = if many { "j.value" } else { "?1" };
    let mut all: Vec<String> = vec!["?1 IS NOT NULL".to_owned()];
    let mut from: Vec<String> = Vec::new();
    from.extend(many.then(|| "json_each(?1) AS j".to_owned()));
    if (many || one) && columns::LISTS.contains(column) {
        from.extend(["part AS p".to_owned(), "record AS r".to_owned()]);
        all.push(format!("p.field = '{column}' AND p.value = {value} AND r.number = p.number"));
    } else {
        from.push(format!("record AS r{}", made(following)));
        match (many || one, following.begins) {
            (false, _) => {}
            (true, false) => all.push(format!("r.\"{column}\" = {value}")),
            (true, true) => {
                all.push(format!("r.\"{column}\" >= {value} AND r.\"{column}\" < {value} || char(0x10ffff)"));
            }
        }
    }
    if !following.kinds.is_empty() {
        // Where something else is looked up, the kind alone is no way to find it, but beside an execution.
        let is_way = values.is_empty() || (*column == "execution_id" && made(following).is_empty());
        let plus = if is_way { "" } else { "+" };
        all.push(format!("{plus}r.kind IN ('{}')", following.kinds.join("', '")));
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
    let from = from.join(" CROSS JOIN ");
    format!("FROM {from} WHERE {}", all.join(" AND "))
}

/// The index of what executions and sessions made, where that is asked for: of a million records it has a few thousand.
fn made(following: &Following<'_>) -> &'static str {
    let is_made = !following.values.is_empty() && following.some.contains(&"artifact_ref");
    match following.column {
        "execution_id" if is_made => " INDEXED BY record_made",
        "session_id" if is_made && following.none.contains(&"execution_id") => " INDEXED BY record_made_alone",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::index::SqliteIndex;

    /// How SQLite would answer.
    fn plan(following: &Following<'_>) -> String {
        let index = SqliteIndex::in_memory().unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", sql(following));
        let mut statement = index.connection().prepare(&sql).unwrap();
        let rows = statement.query_map(["[]"], |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_is_followed_by_the_thousand_is_looked_up_and_never_searched_for() {
        let values: Vec<String> = ["a", "b"].map(str::to_owned).to_vec();
        let made = &["action", "attested", "outcome"][..];
        let all = Following { values: &values, ..Following::default() };
        for (following, way) in [
            (
                Following { column: "execution_id", kinds: made, some: &["artifact_ref"], ..all.clone() },
                "record_made (execution_id=?)",
            ),
            (
                Following { column: "session_id", some: &["artifact_ref"], none: &["execution_id"], ..all.clone() },
                "record_made_alone (session_id=?)",
            ),
            (
                Following { column: "execution_id", kinds: &["loss"], ..all.clone() },
                "record_execution (execution_id=? AND kind=?)",
            ),
            (
                Following { column: "target", kinds: &["action"], begins: true, ..all.clone() },
                "record_target (target>? AND target<?)",
            ),
            (Following { column: "digest", kinds: &["admitted"], ..all.clone() }, "record_digest (digest=?)"),
            (Following { column: "statement", kinds: &["attested"], ..all.clone() }, "record_statement (statement=?)"),
            (Following { column: "commit", kinds: made, ..all.clone() }, "record_checkout (commit=?)"),
            (Following { column: "credentials", ..all.clone() }, "SEARCH p USING PRIMARY KEY (field=? AND value=?)"),
            (
                Following { column: "credentials", values: &values[..1], ..all.clone() },
                "SEARCH p USING PRIMARY KEY (field=? AND value=?)",
            ),
        ] {
            let plan = plan(&following);
            assert!(plan.contains(way) && !plan.contains("SCAN r"), "{way}\n{plan}");
        }
        let one = Following {
            column: "agent",
            values: &values[..1],
            wants: &["execution_id", "session_id"],
            once: true,
            ..all
        };
        let one = plan(&one);
        let about = Following {
            column: "execution_id",
            kinds: &["execution_started", "execution_ended"],
            values: &values,
            wants: &["agent", "status"],
            bare: true,
            ..Following::default()
        };
        let about = plan(&about);
        assert!(about.contains("COVERING INDEX record_execution (execution_id=? AND kind=?)"), "{about}");
        let sessions = Following {
            column: "execution_id",
            values: &values,
            wants: &["session_id"],
            once: true,
            ..Following::default()
        };
        let sessions = plan(&sessions);
        assert!(sessions.contains("record_session_of (execution_id=? AND session_id>?)"), "{sessions}");
        let plan = one;
        assert!(plan.contains("COVERING INDEX record_agent") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}
