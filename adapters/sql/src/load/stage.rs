//! Putting decided rows into the staging tables.

use std::collections::BTreeSet;

use registry_core::{
    Entity, EntityId, LinkNumber,
    change::{Batch, KeyRow, Operation, key_rows, link_rows},
    port::{Clock as _, SystemClock},
};
use uuid::Uuid;

use crate::{
    Argument, Column, Dialect, Driver, Sql, Statement,
    apply::statement,
    retry::Stop,
    write::{
        self, change_columns, entity_columns, key_columns, link_columns, owner_columns,
        value_columns,
    },
};

use super::Area;

/// What is staged of one slice.
struct Slice {
    created: Vec<Entity>,
    /// The keys of these.
    keys: Vec<KeyRow>,
    /// What is linked to anew.
    targets: BTreeSet<(LinkNumber, EntityId)>,
    /// What the updates do to each table.
    updates: Batch,
}

impl Slice {
    fn of<D: Driver>(area: &Area<D>, operations: Vec<Operation>) -> Self {
        let mut created = Vec::with_capacity(operations.len());
        let mut others = Vec::new();
        for operation in operations {
            match operation {
                Operation::Create(entity) => created.push(entity),
                other => others.push(other),
            }
        }
        let keys = created
            .iter()
            .flat_map(|one| key_rows(&area.entity_type, one));
        let links = created
            .iter()
            .flat_map(|one| link_rows(&area.entity_type, one.id, &one.links));
        let updates = Batch::of(&area.change_set(others));
        let targets = links.chain(updates.links_added.iter().cloned());
        Self {
            keys: keys.collect(),
            targets: targets.map(|row| (row.link, row.target)).collect(),
            updates,
            created,
        }
    }

    fn entities(&self) -> impl Iterator<Item = EntityId> {
        let all = self.created.iter().chain(&self.updates.updated);
        all.map(|entity| entity.id)
    }

    fn keys(&self) -> impl Iterator<Item = &KeyRow> {
        let updates = &self.updates;
        let of_updates = updates.keys_removed.iter().chain(&updates.keys_added);
        self.keys.iter().chain(of_updates)
    }
}

/// Stages operations in one short transaction; returns how many entities came, and how many of them were there before.
pub(super) async fn stage<D: Driver>(
    area: &Area<D>,
    operations: Vec<Operation>,
    seen: &[EntityId],
) -> Result<(u64, u64), Stop> {
    let slice = Slice::of(area, operations);
    let ids: Vec<Uuid> = slice.entities().map(|id| id.0).collect();
    let count = ids.len() as u64;
    area.staged_ids.add(slice.entities());
    area.staged_keys.add(slice.keys().map(Area::<D>::place));
    let mut replaced = 0;
    let mut transaction = area.begin().await?;
    // Only the partner of a symmetric link can be staged twice.
    if area
        .entity_type
        .live_links()
        .any(registry_core::entity_type::Link::symmetric)
    {
        for (table, column) in [
            ("staging_entity", "id"),
            ("staging_change", "entity"),
            ("staging_key", "entity"),
            ("staging_value", "entity"),
            ("staging_link", "holder"),
            ("staging_owner", "entity"),
        ] {
            let mut sql = Sql::new(D::DIALECT);
            sql.push(&format!("DELETE FROM {table} WHERE load = "))
                .bind(Argument::Id(area.load))
                .push(" AND ");
            sql.id_in(column, ids.clone());
            let deleted = area
                .driver
                .execute_in(&mut transaction, sql.finish(&[]))
                .await?;
            if table == "staging_entity" {
                replaced = deleted;
            }
        }
    }
    for statement in inserts(area, &slice) {
        area.driver.execute_in(&mut transaction, statement).await?;
    }
    remember(area, &mut transaction, seen).await?;
    crate::group::commit(area.driver.as_ref(), transaction).await?;
    Ok((count, replaced))
}

/// Remembers that rows were about these entities, and that the load lives.
pub(super) async fn remember<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    seen: &[EntityId],
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("INSERT INTO staging (load, touched_at) VALUES (")
        .bind(Argument::Id(area.load))
        .push(", ");
    sql.bind(Argument::Int(SystemClock.now().0))
        .push(") ON CONFLICT (load) DO UPDATE SET touched_at = excluded.touched_at");
    area.driver.execute_in(transaction, sql.finish(&[])).await?;
    if seen.is_empty() {
        return Ok(());
    }
    area.seen.add(seen.iter());
    let insert = statement(D::DIALECT, |sql| {
        sql.push("INSERT INTO staging_seen (load, entity) SELECT ");
        load_id(sql, area.load);
        sql.push(", r.entity FROM ")
            .rows("r", vec![Column::ids("entity", seen.iter().map(|id| id.0))]);
        sql.push(" WHERE TRUE ON CONFLICT DO NOTHING");
    });
    area.driver.execute_in(transaction, insert).await?;
    Ok(())
}

/// The load's id as a selected value, of a certain type.
fn load_id(sql: &mut Sql, load: Uuid) {
    sql.bind(Argument::Id(load));
    if sql.dialect == Dialect::Postgres {
        sql.push("::uuid");
    }
}

/// The statements that stage a slice. Of a creation, its own row and its keys say all: see [`crate::created`].
fn inserts<D: Driver>(area: &Area<D>, slice: &Slice) -> Vec<Statement> {
    let updates = &slice.updates;
    let mut pieces: Vec<(&str, Option<&str>, Vec<Column>)> = Vec::new();
    for entities in slice.created.chunks(D::DIALECT.rows_at_once()) {
        pieces.push(("staging_entity", Some("create"), entity_columns(entities)));
    }
    for keys in slice.keys.chunks(D::DIALECT.rows_at_once()) {
        pieces.push(("staging_key", Some("in"), key_columns(keys)));
    }
    let targets: Vec<(LinkNumber, EntityId)> = slice.targets.iter().copied().collect();
    for targets in targets.chunks(D::DIALECT.rows_at_once()) {
        let links = targets.iter().map(|(link, _)| i64::from(link.0));
        let columns = vec![
            Column::ints("link", links),
            Column::ids("target", targets.iter().map(|(_, target)| target.0)),
        ];
        pieces.push(("staging_target", None, columns));
    }
    pieces.extend([
        (
            "staging_entity",
            Some("update"),
            entity_columns(&updates.updated),
        ),
        ("staging_change", None, change_columns(&updates.changes)),
        (
            "staging_key",
            Some("out"),
            key_columns(&updates.keys_removed),
        ),
        ("staging_key", Some("in"), key_columns(&updates.keys_added)),
        (
            "staging_value",
            Some("out"),
            value_columns(&updates.values_removed),
        ),
        (
            "staging_value",
            Some("in"),
            value_columns(&updates.values_added),
        ),
        (
            "staging_link",
            Some("out"),
            link_columns(&updates.links_removed),
        ),
        (
            "staging_link",
            Some("in"),
            link_columns(&updates.links_added),
        ),
        (
            "staging_owner",
            Some("out"),
            owner_columns(&updates.owners_removed),
        ),
        (
            "staging_owner",
            Some("in"),
            owner_columns(&updates.owners_added),
        ),
    ]);
    pieces
        .into_iter()
        .filter(|(_, _, columns)| columns.first().is_some_and(|column| !column.is_empty()))
        .map(|(table, verb, columns)| insert(D::DIALECT, area.load, table, verb, columns))
        .collect()
}

fn insert(
    dialect: Dialect,
    load: Uuid,
    table: &str,
    verb: Option<&str>,
    columns: Vec<Column>,
) -> Statement {
    let mut sql = Sql::in_order(dialect);
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let verb_column = if verb.is_some() { "verb, " } else { "" };
    sql.push(&format!(
        "INSERT INTO {table} (load, {verb_column}{}) SELECT ",
        names.join(", ")
    ));
    load_id(&mut sql, load);
    if let Some(verb) = verb {
        sql.push(&format!(", '{verb}'"));
    }
    for name in names {
        let value = format!("r.{name}");
        let is_json = table == "staging_entity" && write::JSON_COLUMNS.contains(&name);
        let value = if is_json {
            dialect.to_json(&value)
        } else {
            value
        };
        sql.push(", ").push(&value);
    }
    sql.push(" FROM ").rows("r", columns);
    if table == "staging_target" {
        sql.push(" WHERE TRUE ON CONFLICT DO NOTHING");
    }
    sql.finish(&[])
}
