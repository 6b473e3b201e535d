//! The locks of existing entities: all that a write touches, in order of their ids, before anything else is looked at.
//!
//! Every write takes its locks in one order, so that writers wait in line and never in a circle: types by id ([`crate::apply`]), the
//! entities that are there by id (here), new entities by id, new keys by type, key and value ([`crate::keys`]). What comes after these,
//! the rows of links, indexes, owners and the log, belongs to entities that are locked by then, and no other write waits for it. Only the step
//! that takes an index's rows away ([`crate::index`]) holds no entities: it and a writer may wait for each other's rows of `field_value`, and
//! whichever the engine stops is run again.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{Entity, EntityId, LinkTargets, Scope, Version, change::Batch};
use uuid::Uuid;

use crate::{Column, Dialect, Sql, entities::and_readable};

/// What is to happen to an entity, and so how strongly it must be held; weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// It is linked to: it must not go. Many may hold it so, and it may change meanwhile.
    Linked,
    /// It is rewritten.
    Changed,
    /// It goes.
    Deleted,
}

impl Hold {
    /// Its number in a set of rows.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Linked => 0,
            Self::Changed => 1,
            Self::Deleted => 2,
        }
    }

    /// PostgreSQL's row lock (<https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS>).
    pub(crate) fn clause(self) -> &'static str {
        match self {
            Self::Linked => "FOR KEY SHARE",
            Self::Changed => "FOR NO KEY UPDATE",
            Self::Deleted => "FOR UPDATE",
        }
    }
}

/// The entities that a batch holds, each as strongly as what happens to it asks for. Those that the batch makes are not there yet; but where
/// an id is used again, the entity that had it may still be on its way out, and is waited for in its place.
pub(crate) fn of(batch: &Batch) -> BTreeMap<EntityId, Hold> {
    let mut holds = BTreeMap::new();
    for check in &batch.targets {
        holds.insert(check.target, Hold::Linked);
    }
    for made in &batch.created {
        if is_new(made) {
            holds.remove(&made.id);
        } else {
            holds.insert(made.id, Hold::Deleted);
        }
    }
    for changed in &batch.updated {
        holds.insert(changed.id, Hold::Changed);
    }
    for (id, _, _) in &batch.deleted {
        holds.insert(*id, Hold::Deleted);
    }
    holds
}

/// Whether no entity ever had the id of one that is made: the versions of an id go on.
pub(crate) fn is_new(made: &Entity) -> bool {
    made.version == Version(1)
}

/// What is asked of the entities that a locking read returns, besides that they are there.
#[derive(Debug)]
pub(crate) enum Asked<'a> {
    /// Nothing.
    Presence,
    /// That they are as the write expects them. What is not is left out, before anything is written: a statement that went on to rewrite
    /// an entity which others changed while it waited would come back to the row as it was before, and wait for whoever queues there for
    /// the lock that the statement has.
    Expected {
        /// The present versions of those that change.
        versions: BTreeMap<EntityId, Version>,
        /// The types allowed for those that are linked to; all others may be of any.
        types: BTreeMap<EntityId, &'a LinkTargets>,
        /// What those that are linked to must be inside of.
        scope: &'a Scope,
    },
}

/// Appends a read of these columns of an entity `e` that locks the entities in order of their ids. An entity that somebody is changing is
/// waited for, and shown as that left it.
pub(crate) fn read(
    sql: &mut Sql,
    columns: &str,
    holds: &BTreeMap<EntityId, Hold>,
    asked: &Asked<'_>,
) {
    let rows = rows(holds, asked);
    let mut kinds: Vec<Hold> = holds.values().copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let narrow = |sql: &mut Sql, hold: Hold| match (asked, hold) {
        (Asked::Expected { scope, .. }, Hold::Linked) => {
            sql.push(" AND (r.type = e.type OR r.type = '00000000-0000-0000-0000-000000000000')");
            and_readable(sql, "e", scope);
        }
        (Asked::Expected { .. }, Hold::Changed) => {
            sql.push(" AND e.version = r.version");
        }
        (Asked::Presence, _) | (_, Hold::Deleted) => {}
    };
    if let ([hold], _) | ([hold, ..], Dialect::Sqlite) = (kinds.as_slice(), sql.dialect) {
        let join = sql.dialect.ordered_join();
        sql.push(&format!("SELECT {columns} FROM "))
            .rows("r", rows)
            .push(&format!(" {join} entity AS e ON e.id = r.id WHERE TRUE"));
        narrow(sql, *hold);
        sql.push(" ORDER BY e.id");
        if sql.dialect == Dialect::Postgres {
            sql.push(&format!(" {} OF e", hold.clause()));
        }
        return;
    }
    // One read has one kind of lock. So each row has reads of its own, one per kind, of which one finds it; a lateral join runs through
    // its rows in their order.
    sql.push("SELECT e.* FROM ")
        .rows("r", rows)
        .push(" CROSS JOIN LATERAL (");
    by_kind(sql, &kinds, columns, narrow);
    sql.push(") AS e");
}

/// Appends the reads of the entity of a row `r` with the columns `id` and `hold`, one per kind of lock.
pub(crate) fn by_kind(
    sql: &mut Sql,
    kinds: &[Hold],
    columns: &str,
    narrow: impl Fn(&mut Sql, Hold),
) {
    for (index, hold) in kinds.iter().enumerate() {
        let union = if index == 0 { "" } else { " UNION ALL " };
        sql.push(&format!(
            "{union}SELECT * FROM (SELECT {columns} FROM entity AS e WHERE e.id = r.id AND r.hold = {}",
            hold.number()
        ));
        narrow(sql, *hold);
        sql.push(&format!(" {} OF e) AS e{index}", hold.clause()));
    }
}

/// The rows, in order of their ids; the nil id stands for any type, version 0 for any version.
fn rows(holds: &BTreeMap<EntityId, Hold>, asked: &Asked<'_>) -> Vec<Column> {
    let mut rows: Vec<(EntityId, Hold, Uuid)> = Vec::with_capacity(holds.len());
    for (id, hold) in holds {
        let types = match asked {
            Asked::Presence => None,
            Asked::Expected { types, .. } => types.get(id),
        };
        match types {
            Some(LinkTargets::Types(types)) if *hold == Hold::Linked => {
                rows.extend(types.iter().map(|one| (*id, *hold, one.0)));
            }
            _ => rows.push((*id, *hold, Uuid::nil())),
        }
    }
    let mut columns = vec![Column::ids("id", rows.iter().map(|row| row.0.0))];
    let kinds: BTreeSet<Hold> = holds.values().copied().collect();
    if kinds.len() > 1 {
        columns.push(Column::ints("hold", rows.iter().map(|row| row.1.number())));
    }
    if let Asked::Expected { versions, .. } = asked {
        if kinds.contains(&Hold::Linked) {
            columns.push(Column::ids("type", rows.iter().map(|row| row.2)));
        }
        if kinds.contains(&Hold::Changed) {
            let version =
                |row: &(EntityId, Hold, Uuid)| versions.get(&row.0).map_or(0, |one| one.0);
            columns.push(Column::ints("version", rows.iter().map(version)));
        }
    }
    columns
}
