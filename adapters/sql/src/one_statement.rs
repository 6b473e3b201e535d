//! Change sets as one statement: a single round trip on PostgreSQL. Whatever it does not find as expected ends it as a whole; the step by
//! step way of [`crate::apply`] then tells why.

use registry_core::{EntityId, LinkTargets, Version, change::ValueRow, port::Position};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use crate::{
    Argument, Column,
    ColumnType::Int,
    Dialect, Driver, EngineError, Sql, Statement,
    lock::{self, Asked, Hold, is_new},
    targets::Outcomes,
    work::Work,
    write::{self, Source, change_columns, entity_columns, key_columns},
};

/// Whether the work can be one statement. Deletes cannot: whether links remain must be looked at after their locks are had. Nor can links to
/// what the work itself writes otherwise than they ask for: step by step tells which. Nor links that allow the same target different
/// types, or ids that are used again, since the rows that are locked could not be counted.
pub(crate) fn possible(work: &Work) -> bool {
    let batch = &work.batch;
    batch.deleted.is_empty() && batch.created.iter().all(is_new) && allowed(work).is_some()
}

/// The types allowed for each target that the work does not write itself, unless they cannot be told.
fn allowed(work: &Work) -> Option<BTreeMap<EntityId, &LinkTargets>> {
    let mut allowed = BTreeMap::new();
    for check in Outcomes::of(work).left_to_the_store().ok()? {
        if *allowed.entry(check.target).or_insert(&check.to) != &check.to {
            return None;
        }
    }
    Some(allowed)
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
///
/// The counts of that row are taken from left to right, and each runs its piece: that is the order of the locks, the one of [`crate::lock`].
/// A piece that nothing counts runs after all of these; none of them waits for anybody.
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

    if let Some(count) = locked(&mut sql, work) {
        expected.push(("locked", count));
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
    keys(&mut sql, work, &mut expected);
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

/// Appends the locks of the entities that are there, unless there is none to take or the one change takes it by itself; returns how many
/// rows it must find.
fn locked(sql: &mut Sql, work: &Work) -> Option<usize> {
    let holds = lock::of(&work.batch);
    let kinds: BTreeSet<Hold> = holds.values().copied().collect();
    if holds.is_empty() || (holds.len() == 1 && kinds.contains(&Hold::Changed)) {
        return None;
    }
    let updated = work.batch.updated.iter();
    let asked = Asked::Expected {
        versions: updated
            .map(|after| (after.id, Version(after.version.0 - 1)))
            .collect(),
        types: allowed(work).unwrap_or_default(),
        scope: &work.scope,
    };
    sql.push(", locked AS (");
    lock::read(sql, "e.id", &holds, &asked);
    sql.push(")");
    // An entity has one type, so it meets one row of the list of types allowed for it.
    Some(holds.len())
}

/// Appends what becomes of keys.
fn keys(sql: &mut Sql, work: &Work, expected: &mut Vec<(&str, usize)>) {
    let keys = &work.keys;
    if !keys.claimed.is_empty() {
        sql.push(", keys_in AS (");
        write::insert_keys(sql, Source::Rows(key_columns(&keys.claimed)));
        sql.push(" RETURNING 1)");
        expected.push(("keys_in", keys.claimed.len()));
    }
    if !keys.moved.is_empty() {
        sql.push(", keys_moved AS (");
        write::move_keys(sql, Source::Rows(keys.moved_columns()));
        sql.push(" RETURNING 1)");
        expected.push(("keys_moved", keys.moved.len()));
    }
    if !keys.released.is_empty() {
        sql.push(", keys_out AS (");
        write::delete_keys(sql, Source::Rows(key_columns(&keys.released)));
        sql.push(")");
    }
}
