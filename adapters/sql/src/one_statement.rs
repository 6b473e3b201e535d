//! Change sets as one statement: a single round trip on PostgreSQL. Whatever it does not find as expected ends it as a whole; the step by
//! step way of [`crate::apply`] then tells why.

use registry_core::{
    EntityId, LinkTargets,
    change::{TargetCheck, ValueRow},
    port::Position,
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

use crate::{
    Argument, Column,
    ColumnType::Int,
    Dialect, Driver, EngineError, Sql, Statement,
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
    let mut allowed: HashMap<EntityId, &LinkTargets> = HashMap::new();
    let plain = batch.targets.iter().all(|check| {
        let made = batch.created.iter().find(|one| one.id == check.target);
        let made_well = made.is_none_or(|one| {
            work.scope.admits(&one.owners, &one.readers) && check.to.allows(one.type_id)
        });
        let rewritten = batch.updated.iter().any(|one| one.id == check.target);
        // One list of allowed types per target, or the rows that a target meets could not be counted.
        made_well && !rewritten && *allowed.entry(check.target).or_insert(&check.to) == &check.to
    });
    batch.deleted.is_empty() && !swaps && plain
}

/// Runs the work as one statement.
pub(crate) async fn run<D: Driver>(driver: &D, work: &Work) -> Result<Position, EngineError> {
    let rows = driver.write(render(D::DIALECT, work)).await?;
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
pub(crate) fn render(dialect: Dialect, work: &Work) -> Statement {
    let batch = &work.batch;
    let mut sql = Sql::new(dialect);
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
    expected.push(("log", batch.changes.len()));
    sql.push(") SELECT (SELECT max(transaction) FROM log), (SELECT max(sequence) FROM log) WHERE registry_expect(TRUE");
    for (name, count) in expected {
        sql.push(&format!(" AND (SELECT count(*) FROM {name}) = "));
        sql.bind(Argument::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    }
    no_pending_index(&mut sql, &batch.values_removed);
    sql.push(")");
    sql.finish(&[Int, Int])
}

/// Appends the expectation that no index is being built whose rows are taken away.
///
/// The statement may wait for the lock of an entity that a [step of the building](crate::index) holds, and that step inserts the very row
/// that is to go; the statement would not see it, since it sees the tables as they were before it waited, and the row would stay for ever.
/// Step by step the delete is a statement of its own, that sees what the lock waited for. The statement sees `pending_index` as of the
/// same moment as `field_value`: without a row there, all that the building inserted is seen too.
fn no_pending_index(sql: &mut Sql, removed: &[ValueRow]) {
    let fields: BTreeSet<_> = removed.iter().map(|row| (row.type_id, row.field)).collect();
    if fields.is_empty() {
        return;
    }
    sql.push(" AND NOT EXISTS (SELECT 1 FROM pending_index AS p JOIN ");
    sql.rows(
        "r",
        vec![
            Column::ids("type", fields.iter().map(|(type_id, _)| type_id.0)),
            Column::ints("field", fields.iter().map(|(_, field)| i64::from(field.0))),
        ],
    );
    sql.push(" ON p.type = r.type AND p.field = r.field)");
}

/// Appends the check of link targets, unless the work links to nothing that is stored; returns how many rows it must find.
fn targets(sql: &mut Sql, work: &Work) -> Option<usize> {
    let created: BTreeSet<_> = work.batch.created.iter().map(|one| one.id).collect();
    let stored = |check: &&TargetCheck| !created.contains(&check.target);
    let checks: Vec<_> = work.batch.targets.iter().filter(stored).cloned().collect();
    if checks.is_empty() {
        return None;
    }
    let rows = write::target_rows(&checks);
    sql.push(", targets AS (SELECT e.id FROM ");
    sql.rows(
        "r",
        vec![
            Column::ids("target", rows.iter().map(|row| row.0)),
            Column::ids("type", rows.iter().map(|row| row.1)),
        ],
    );
    sql.push(" JOIN entity AS e ON e.id = r.target AND (e.type = r.type OR r.type = ");
    sql.bind(Argument::Id(Uuid::nil())).push(") WHERE TRUE");
    and_readable(sql, "e", &work.scope);
    sql.push(" ORDER BY e.id FOR KEY SHARE OF e)");
    // An entity has one type, so it meets one row of the list of types allowed for it.
    let targets: BTreeSet<_> = checks.iter().map(|check| check.target).collect();
    Some(targets.len())
}
