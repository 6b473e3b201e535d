//! Applying everything staged: the pieces of an ordinary commit, over the staging tables.

use registry_core::{
    LinkTargets, Scope,
    port::{Conflict, Position, StoreError, StoreErrorKind},
};

use crate::{
    Argument,
    ColumnType::Int,
    Dialect, Driver, Sql,
    apply::{LOGGED, check_types, read_logged},
    lock::{self, Hold},
    retry::Stop,
    write::{self, Fate, Piece, Source},
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
    let load = area.load;
    let staged = |table, verb| Source::Staged { table, load, verb };
    let keys = |fate| Source::StagedKeys { load, fate };
    lock(area, transaction).await?;
    check_targets(area, transaction).await?;
    let created = staged("staging_entity", Some("create"));
    exactly(area, transaction, write::insert_entities, created).await?;
    exactly(area, transaction, write::insert_keys, keys(Fate::Claimed)).await?;
    exactly(area, transaction, write::move_keys, keys(Fate::Moved)).await?;
    run(area, transaction, write::delete_keys, keys(Fate::Released)).await?;
    let updated = staged("staging_entity", Some("update"));
    exactly(area, transaction, write::update_entities, updated).await?;
    for (_, table, verb, piece) in write::SIDE_PIECES {
        run(area, transaction, piece, staged(table, Some(verb))).await?;
    }
    let mut sql = Sql::new(D::DIALECT);
    write::insert_changes(&mut sql, staged("staging_change", None));
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
    source: Source,
) -> Result<u64, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    piece(&mut sql, source);
    let statement = sql.finish_fresh(&[]);
    Ok(area.driver.execute_in(transaction, statement).await?)
}

/// Runs a piece that must touch a row for each one staged.
async fn exactly<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    piece: Piece,
    source: Source,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT count(*) FROM ");
    source.clone().push(&mut sql);
    let staged = count(area, transaction, sql).await?;
    if staged > 0 && run(area, transaction, piece, source).await? != staged {
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

/// Locks the entities that are changed, and those that are linked to, in order of their ids. The versions are compared by the update itself.
async fn lock<D: Driver>(area: &Area<D>, transaction: &mut D::Transaction) -> Result<(), Stop> {
    if D::DIALECT == Dialect::Sqlite {
        return Ok(());
    }
    let (linked, changed) = (Hold::Linked.number(), Hold::Changed.number());
    let mut sql = Sql::new(D::DIALECT);
    sql.push(&format!(
        "SELECT count(*) FROM (SELECT x.id, max(x.hold) AS hold FROM (SELECT s.id, {changed} AS hold FROM staging_entity AS s WHERE s.load = "
    ))
    .bind(Argument::Id(area.load));
    sql.push(&format!(
        " AND s.verb = 'update' UNION ALL SELECT s.target, {linked} FROM staging_link AS s WHERE s.load = "
    ))
    .bind(Argument::Id(area.load));
    sql.push(" AND s.verb = 'in') AS x GROUP BY x.id ORDER BY x.id) AS r CROSS JOIN LATERAL (");
    let kinds = [Hold::Linked, Hold::Changed];
    lock::by_kind(&mut sql, &kinds, "e.id", |_, _| ());
    sql.push(") AS e");
    count(area, transaction, sql).await?;
    Ok(())
}

/// Checks that each link target is of an allowed type and inside the scope, as it will be when all is applied: see [`crate::targets`].
async fn check_targets<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<(), Stop> {
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
        and_readable_then(area, &mut sql, "e");
        sql.push(") AND NOT EXISTS (SELECT 1 FROM staging_entity AS c WHERE c.load = ")
            .bind(Argument::Id(area.load));
        sql.push(" AND c.id = d.target AND c.verb = 'create'");
        and_allowed(&mut sql, "c.type", &link.to);
        and_readable_then(area, &mut sql, "c");
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

/// Appends `AND` the condition that the entity named `alias` will be inside the scope when all is applied: by a row of `owner` that stays, or
/// by one that comes.
fn and_readable_then<D: Driver>(area: &Area<D>, sql: &mut Sql, alias: &str) {
    let Scope::Readable(principals) = &area.scope else {
        return;
    };
    let principals: Vec<String> = principals
        .iter()
        .map(|one| one.as_str().to_owned())
        .collect();
    sql.push(&format!(
        " AND (EXISTS (SELECT 1 FROM owner AS o WHERE o.type = {alias}.type AND o.entity = {alias}.id AND "
    ))
    .text_in("o.principal", principals.clone());
    sql.push(" AND NOT EXISTS (SELECT 1 FROM staging_owner AS x WHERE x.load = ")
        .bind(Argument::Id(area.load));
    sql.push(" AND x.verb = 'out' AND x.entity = o.entity AND x.principal = o.principal)) OR EXISTS (SELECT 1 FROM staging_owner AS x WHERE x.load = ")
        .bind(Argument::Id(area.load));
    sql.push(&format!(
        " AND x.verb = 'in' AND x.entity = {alias}.id AND "
    ))
    .text_in("x.principal", principals)
    .push("))");
}
