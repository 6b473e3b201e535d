//! Putting decided rows into the staging tables.

use registry_core::{
    EntityId,
    change::{Batch, ChangeSet},
    port::{Clock as _, SystemClock},
};
use uuid::Uuid;

use crate::{
    Argument, Column, Dialect, Driver, Sql, Statement,
    apply::statement,
    retry::Stop,
    write::{
        change_columns, entity_columns, key_columns, link_columns, owner_columns, value_columns,
    },
};

use super::Area;

/// Stages operations in one short transaction; returns how many entities came, and how many of them were there before.
pub(super) async fn stage<D: Driver>(
    area: &Area<D>,
    set: &ChangeSet,
    seen: &[EntityId],
) -> Result<(u64, u64), Stop> {
    let batch = Batch::of(set);
    let mut replaced = 0;
    let mut transaction = area.begin().await?;
    // Only the partner of a symmetric link can be staged twice.
    if area
        .entity_type
        .live_links()
        .any(registry_core::entity_type::Link::symmetric)
    {
        let ids: Vec<Uuid> = set
            .operations
            .iter()
            .map(|operation| operation.entity_id().0)
            .collect();
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
    for statement in inserts(area, &batch) {
        area.driver.execute_in(&mut transaction, statement).await?;
    }
    remember(area, &mut transaction, seen).await?;
    crate::group::commit(area.driver.as_ref(), transaction).await?;
    Ok((set.operations.len() as u64, replaced))
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

fn inserts<D: Driver>(area: &Area<D>, batch: &Batch) -> Vec<Statement> {
    let pieces: [(&str, Option<&str>, Vec<Column>); 11] = [
        (
            "staging_entity",
            Some("create"),
            entity_columns(&batch.created),
        ),
        (
            "staging_entity",
            Some("update"),
            entity_columns(&batch.updated),
        ),
        ("staging_change", None, change_columns(&batch.changes)),
        ("staging_key", Some("out"), key_columns(&batch.keys_removed)),
        ("staging_key", Some("in"), key_columns(&batch.keys_added)),
        (
            "staging_value",
            Some("out"),
            value_columns(&batch.values_removed),
        ),
        (
            "staging_value",
            Some("in"),
            value_columns(&batch.values_added),
        ),
        (
            "staging_link",
            Some("out"),
            link_columns(&batch.links_removed),
        ),
        ("staging_link", Some("in"), link_columns(&batch.links_added)),
        (
            "staging_owner",
            Some("out"),
            owner_columns(&batch.owners_removed),
        ),
        (
            "staging_owner",
            Some("in"),
            owner_columns(&batch.owners_added),
        ),
    ];
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
    statement(dialect, |sql| {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let verb_column = if verb.is_some() { "verb, " } else { "" };
        sql.push(&format!(
            "INSERT INTO {table} (load, {verb_column}{}) SELECT ",
            names.join(", ")
        ));
        load_id(sql, load);
        if let Some(verb) = verb {
            sql.push(&format!(", '{verb}'"));
        }
        for name in names {
            sql.push(&format!(", r.{name}"));
        }
        sql.push(" FROM ").rows("r", columns);
    })
}
