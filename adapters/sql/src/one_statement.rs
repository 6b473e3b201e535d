//! Change sets as one statement: a single round trip on PostgreSQL. Whatever it does not find as expected ends it as a whole; the step by
//! step way of [`crate::apply`] then tells why.

use registry_core::port::Position;
use std::collections::HashMap;
use uuid::Uuid;

use crate::{
    Column,
    ColumnType::Int,
    Driver, EngineError, Sql, Statement,
    apply::Work,
    entities::and_readable,
    write::{self, Source, change_columns, entity_columns, key_columns},
};

/// Whether the work can be one statement. Deletes cannot: whether links remain must be looked at after their locks are had. Nor can
/// swaps of keys: within one statement the old row is still in the way of the new one. Nor links to what the work itself rewrites, or makes
/// outside its scope: a target counts as it will be, and the statement sees it as it was.
pub(crate) fn possible(work: &Work) -> bool {
    let batch = &work.batch;
    let swaps = batch.keys_added.iter().any(|new| {
        batch
            .keys_removed
            .iter()
            .any(|old| old.type_id == new.type_id && old.key == new.key && old.value == new.value)
    });
    let plain = batch.targets.iter().all(|check| {
        let made = batch
            .created
            .iter()
            .find(|entity| entity.id == check.target);
        made.is_none_or(|entity| work.scope.admits(&entity.owners, &entity.readers))
            && !batch.updated.iter().any(|entity| entity.id == check.target)
    });
    batch.deleted.is_empty() && !swaps && plain
}

/// Runs the work as one statement.
pub(crate) async fn run<D: Driver>(driver: &D, work: &Work) -> Result<Position, EngineError> {
    let rows = driver.fetch(render::<D>(work)).await?;
    let mut position = Position {
        transaction: 0,
        sequence: 0,
    };
    for mut row in rows {
        if let (Ok(transaction), Ok(sequence)) = (row.unsigned(), row.unsigned()) {
            position = Position {
                transaction,
                sequence,
            };
        }
    }
    Ok(position)
}

/// The statement: a `WITH` of the very pieces that the step by step way runs, and one row that exists only if each did what it should.
pub(crate) fn render<D: Driver>(work: &Work) -> Statement {
    let batch = &work.batch;
    let mut sql = Sql::new(D::DIALECT);
    let mut expected: Vec<(&str, usize)> = Vec::new();

    let mut types: Vec<(Uuid, i64)> = work
        .types
        .iter()
        .map(|one| (one.id.0, one.version.0))
        .collect();
    types.sort_unstable();
    sql.push("WITH types AS (SELECT 1 FROM ");
    sql.rows(
        "r",
        vec![
            Column::ids("id", types.iter().map(|one| one.0)),
            Column::ints("version", types.iter().map(|one| one.1)),
        ],
    );
    sql.push(" WHERE registry_type_version(r.id) = r.version)");
    expected.push(("types", types.len()));

    if let Some(count) = targets(&mut sql, work) {
        expected.push(("targets", count));
    }
    if !batch.keys_removed.is_empty() {
        sql.push(", keys_out AS (");
        write::delete_keys(&mut sql, Source::Rows(key_columns(&batch.keys_removed)));
        sql.push(")");
    }
    if !batch.keys_added.is_empty() {
        sql.push(", keys_in AS (");
        write::insert_keys(&mut sql, Source::Rows(key_columns(&batch.keys_added)));
        sql.push(" RETURNING 1)");
        expected.push(("keys_in", batch.keys_added.len()));
    }
    if !batch.created.is_empty() {
        sql.push(", created AS (");
        write::insert_entities(&mut sql, Source::Rows(entity_columns(&batch.created)));
        sql.push(" RETURNING 1)");
        expected.push(("created", batch.created.len()));
    }
    if !batch.updated.is_empty() {
        sql.push(", updated AS (");
        write::update_entities(&mut sql, Source::Rows(entity_columns(&batch.updated)));
        sql.push(" RETURNING 1)");
        expected.push(("updated", batch.updated.len()));
    }
    for (name, piece, rows) in write::side_rows(batch) {
        sql.push(&format!(", {name} AS ("));
        piece(&mut sql, Source::Rows(rows));
        sql.push(")");
    }
    sql.push(", log AS (");
    write::insert_changes(&mut sql, Source::Rows(change_columns(&batch.changes)));
    sql.push(") SELECT (SELECT max(transaction) FROM log), (SELECT max(sequence) FROM log) WHERE registry_expect(TRUE");
    for (name, count) in expected {
        sql.push(&format!(" AND (SELECT count(*) FROM {name}) = "));
        sql.bind(crate::Argument::Int(
            i64::try_from(count).unwrap_or(i64::MAX),
        ));
    }
    sql.push(")");
    sql.finish(&[Int, Int])
}

/// Appends the check of link targets, unless the work links to nothing that is stored; returns how many rows it must find.
fn targets(sql: &mut Sql, work: &Work) -> Option<usize> {
    let batch = &work.batch;
    let created: HashMap<_, _> = batch
        .created
        .iter()
        .map(|entity| (entity.id, entity.type_id))
        .collect();
    let checks: Vec<_> = batch
        .targets
        .iter()
        .filter(|check| {
            !created
                .get(&check.target)
                .is_some_and(|type_id| check.to.allows(*type_id))
        })
        .cloned()
        .collect();
    if !checks.is_empty() {
        let rows = write::target_rows(&checks);
        // Each target has one type, so it meets one row of each list of allowed types that it is checked against.
        let mut distinct: Vec<_> = checks
            .iter()
            .map(|check| (check.target, format!("{:?}", check.to)))
            .collect();
        distinct.sort();
        distinct.dedup();
        let targets: std::collections::BTreeSet<_> =
            checks.iter().map(|check| check.target).collect();
        // Two different lists for one target could meet the same row: then the step by step way decides.
        let count = if distinct.len() == targets.len() {
            targets.len()
        } else {
            usize::MAX
        };
        sql.push(", targets AS (SELECT e.id FROM ");
        sql.rows(
            "r",
            vec![
                Column::ids("target", rows.iter().map(|row| row.0)),
                Column::ids("type", rows.iter().map(|row| row.1)),
            ],
        );
        sql.push(" JOIN entity AS e ON e.id = r.target AND (e.type = r.type OR r.type = ")
            .bind(crate::Argument::Id(Uuid::nil()));
        sql.push(") WHERE TRUE");
        and_readable(sql, "e", &work.scope);
        sql.push(" ORDER BY e.id FOR KEY SHARE OF e)");
        return Some(count);
    }
    None
}
