//! Applying everything staged: the pieces of an ordinary commit, over the staging tables.

use registry_core::{
    LinkTargets,
    port::{Conflict, Position, StoreError, StoreErrorKind},
};

use crate::{
    Argument,
    ColumnType::Int,
    Driver, Sql,
    apply::{LOGGED, Stop, check_types, read_logged},
    entities::and_readable,
    write::{self, Piece, Source},
};

use super::{Area, stage::remember};

/// Applies what is staged in an open transaction; a conflict, whichever, says that what is stored has changed.
pub(super) async fn all<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<Position, Stop> {
    check_types(
        area.driver.as_ref(),
        transaction,
        std::slice::from_ref(&area.entity_type),
    )
    .await?;
    check_complete(area, transaction).await?;
    lock_updated(area, transaction).await?;
    check_targets(area, transaction).await?;
    exactly(
        area,
        transaction,
        write::insert_entities,
        "staging_entity",
        "create",
    )
    .await?;
    run(
        area,
        transaction,
        write::delete_keys,
        "staging_key",
        Some("out"),
    )
    .await?;
    exactly(area, transaction, write::insert_keys, "staging_key", "in").await?;
    exactly(
        area,
        transaction,
        write::update_entities,
        "staging_entity",
        "update",
    )
    .await?;
    for (_, table, verb, piece) in write::SIDE_PIECES {
        run(area, transaction, piece, table, Some(verb)).await?;
    }
    let mut sql = Sql::new(D::DIALECT);
    write::insert_changes(
        &mut sql,
        Source::Staged {
            table: "staging_change",
            load: area.load,
            verb: None,
        },
    );
    let rows = area
        .driver
        .fetch_in(transaction, sql.finish_fresh(LOGGED))
        .await?;
    let logged = read_logged(rows)?;
    // An id was used, and its entity deleted, since it was looked at: its versions go on from there.
    if logged.entities.len() as u64 != area.staged() {
        return Err(stale());
    }
    Ok(logged.last)
}

/// Keeps the area from being dropped, and compares it with what this load knows to have staged: what a crash of the engine or another hand
/// took away must not look like a smaller file.
async fn check_complete<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<(), Stop> {
    remember(area, transaction, &[]).await?;
    for table in ["staging_entity", "staging_change"] {
        let mut sql = Sql::new(D::DIALECT);
        sql.push(&format!("SELECT count(*) FROM {table} WHERE load = "));
        sql.bind(Argument::Id(area.load));
        if count(area, transaction, sql).await? != area.staged() {
            let lost = "the staging area has lost rows";
            return Err(StoreError::new(StoreErrorKind::Unavailable, "loading", lost).into());
        }
    }
    Ok(())
}

async fn run<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    piece: Piece,
    table: &'static str,
    verb: Option<&'static str>,
) -> Result<u64, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    let load = area.load;
    piece(&mut sql, Source::Staged { table, load, verb });
    let statement = sql.finish_fresh(&[]);
    Ok(area.driver.execute_in(transaction, statement).await?)
}

/// Runs a piece that must touch a row for each one staged.
async fn exactly<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    piece: Piece,
    table: &'static str,
    verb: &'static str,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push(&format!("SELECT count(*) FROM {table} WHERE load = "))
        .bind(Argument::Id(area.load));
    sql.push(&format!(" AND verb = '{verb}'"));
    let staged = count(area, transaction, sql).await?;
    if staged > 0 && run(area, transaction, piece, table, Some(verb)).await? != staged {
        return Err(stale());
    }
    Ok(())
}

fn stale() -> Stop {
    Stop::Conflict(Conflict::Stale {
        operation: 0,
        current: None,
    })
}

async fn count<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    sql: Sql,
) -> Result<u64, Stop> {
    let rows = area
        .driver
        .fetch_in(transaction, sql.finish_fresh(&[Int]))
        .await?;
    let mut total = 0;
    for mut row in rows {
        total += row.unsigned()?;
    }
    Ok(total)
}

/// Locks the entities to be updated in order of their ids; their versions are compared by the update itself.
async fn lock_updated<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT count(*) FROM (SELECT e.id FROM entity AS e WHERE e.id IN (SELECT s.id FROM staging_entity AS s WHERE s.load = ");
    sql.bind(Argument::Id(area.load))
        .push(" AND s.verb = 'update') ORDER BY e.id");
    sql.push(D::DIALECT.lock(" FOR NO KEY UPDATE"))
        .push(") AS locked");
    count(area, transaction, sql).await?;
    Ok(())
}

/// Locks link targets against deletion, and checks that each is there, inside the scope and of an allowed type.
async fn check_targets<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT count(*) FROM (SELECT e.id FROM entity AS e WHERE e.id IN (SELECT s.target FROM staging_link AS s WHERE s.load = ");
    sql.bind(Argument::Id(area.load))
        .push(" AND s.verb = 'in') ORDER BY e.id");
    sql.push(D::DIALECT.lock(" FOR KEY SHARE"))
        .push(") AS locked");
    count(area, transaction, sql).await?;
    for link in area.entity_type.live_links() {
        let mut sql = Sql::new(D::DIALECT);
        sql.push(
            "SELECT count(*) FROM (SELECT DISTINCT s.target FROM staging_link AS s WHERE s.load = ",
        )
        .bind(Argument::Id(area.load));
        sql.push(" AND s.verb = 'in' AND s.link = ")
            .bind(Argument::Int(i64::from(link.number.0)));
        sql.push(") AS d WHERE NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.id = d.target");
        and_allowed(&mut sql, "e.type", &link.to);
        and_readable(&mut sql, "e", &area.scope);
        sql.push(") AND NOT EXISTS (SELECT 1 FROM staging_entity AS c WHERE c.load = ")
            .bind(Argument::Id(area.load));
        sql.push(" AND c.id = d.target AND c.verb = 'create'");
        and_allowed(&mut sql, "c.type", &link.to);
        sql.push(")");
        if count(area, transaction, sql).await? > 0 {
            return Err(stale());
        }
    }
    Ok(())
}

fn and_allowed(sql: &mut Sql, column: &str, to: &LinkTargets) {
    if let LinkTargets::Types(types) = to {
        sql.push(" AND ")
            .id_in(column, types.iter().map(|id| id.0).collect());
    }
}
