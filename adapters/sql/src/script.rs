//! Change sets on SQLite in one trip to the engine, between those that begin and commit: each is a change of threads there, and costs more than
//! most statements do. The very pieces of [`crate::apply`], all of them run before any expectation is looked at; where one was not met, nothing
//! is kept, and the step by step way tells which.

use registry_core::port::Position;

use crate::{
    ColumnType, Driver, Outcome, Sql,
    apply::{self, HELD, LOGGED, TYPES, compare_types, judge, read_logged},
    lock,
    retry::Stop,
    work::Work,
    write::{self, Source, change_columns, entity_columns, key_columns},
};

/// Whether the work can be a script. Deletes cannot: whether links remain decides about what comes after.
pub(crate) fn possible(work: &Work) -> bool {
    work.batch.deleted.is_empty()
}

/// What a statement of the script must have done.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The types are at these versions.
    Types,
    /// What is there is as expected.
    Entities,
    /// So many rows were touched.
    Rows(usize),
    /// Whatever it did is right.
    Anything,
    /// A row was logged for each change.
    Logged,
}

#[derive(Debug)]
struct Script {
    sql: Sql,
    columns: Vec<&'static [ColumnType]>,
    expected: Vec<Expected>,
}

impl Script {
    fn add(
        &mut self,
        columns: &'static [ColumnType],
        expected: Expected,
        render: impl FnOnce(&mut Sql),
    ) {
        if !self.expected.is_empty() {
            self.sql.push("; ");
        }
        render(&mut self.sql);
        self.columns.push(columns);
        self.expected.push(expected);
    }

    fn of<D: Driver>(work: &Work) -> Self {
        let (batch, keys) = (&work.batch, &work.keys);
        let mut script = Self {
            sql: Sql::in_order(D::DIALECT),
            columns: Vec::new(),
            expected: Vec::new(),
        };
        script.add(TYPES, Expected::Types, |sql| {
            apply::select_types(sql, &work.types);
        });
        let holds = lock::of(batch);
        if !holds.is_empty() {
            script.add(HELD, Expected::Entities, |sql| apply::hold(sql, &holds));
        }
        let mut piece = |count: usize, expected, piece: write::Piece, rows| {
            if count > 0 {
                script.add(&[], expected, |sql| piece(sql, Source::Rows(rows)));
            }
        };
        let exactly = |count| (count, Expected::Rows(count));
        let (count, all) = exactly(batch.created.len());
        let rows = entity_columns(&batch.created);
        piece(count, all, write::insert_entities, rows);
        let (count, all) = exactly(keys.claimed.len());
        piece(count, all, write::insert_keys, key_columns(&keys.claimed));
        let (count, all) = exactly(keys.moved.len());
        piece(count, all, write::move_keys, keys.moved_columns());
        let rows = key_columns(&keys.released);
        let any = Expected::Anything;
        piece(keys.released.len(), any, write::delete_keys, rows);
        let (count, all) = exactly(batch.updated.len());
        let rows = entity_columns(&batch.updated);
        piece(count, all, write::update_entities, rows);
        for (_, side, rows) in write::side_rows(batch) {
            piece(1, any, side, rows);
        }
        script.add(LOGGED, Expected::Logged, |sql| {
            write::insert_changes(sql, Source::Rows(change_columns(&batch.changes)));
        });
        script
    }
}

/// Applies the work; `None` when something is not as expected: the caller rolls back then, as on an error.
pub(crate) async fn apply<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<Option<Position>, Stop> {
    let Script {
        sql,
        columns,
        expected,
    } = Script::of::<D>(work);
    let outcomes = driver
        .script_in(transaction, sql.finish(&[]), &columns)
        .await?;
    if outcomes.len() != expected.len() {
        return Ok(None);
    }
    let mut last = None;
    for (Outcome { rows, touched }, expected) in outcomes.into_iter().zip(expected) {
        let met = match expected {
            Expected::Types => is_met(compare_types(rows, &work.types))?,
            Expected::Entities => is_met(judge(rows, work))?,
            Expected::Rows(count) => touched == count as u64,
            Expected::Anything => true,
            Expected::Logged => {
                let logged = read_logged(rows)?;
                last = Some(logged.last);
                logged.entities.len() == work.batch.changes.len()
            }
        };
        if !met {
            return Ok(None);
        }
    }
    Ok(last)
}

fn is_met(checked: Result<(), Stop>) -> Result<bool, Stop> {
    match checked {
        Ok(()) => Ok(true),
        Err(Stop::Conflict(_)) => Ok(false),
        Err(stop) => Err(stop),
    }
}
