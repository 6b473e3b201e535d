//! Applying everything staged: the pieces of an ordinary commit, over the staging tables.

use registry_core::{
    LinkTargets, Scope,
    port::{Conflict, Position, StoreError, StoreErrorKind},
};

use crate::{
    Argument,
    ColumnType::{Int, Text},
    Dialect, Driver, Sql,
    apply::check_types,
    created::{self, Derived},
    lock::{self, Hold},
    retry::Stop,
    write::{self, Fate, Piece, Source},
};

use super::{Area, stage::remember};

/// How rows are put in that nobody should have put there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserts {
    /// Without looking: one that is there ends the transaction with a violated index.
    Plain,
    /// Those that are there are left out, and counted where it matters.
    Careful,
}

/// How many rows of a table are staged under either verb.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// `create` or `in`
    first: u64,
    /// `update` or `out`
    second: u64,
}

/// Applies what is staged in an open transaction; a conflict, whichever, says that what is stored has changed.
pub(super) async fn all<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    inserts: Inserts,
) -> Result<Position, Stop> {
    check_types(
        area.driver.as_ref(),
        transaction,
        std::slice::from_ref(&area.entity_type),
    )
    .await?;
    let entities = check_complete(area, transaction).await?;
    let updates = entities.second > 0;
    let load = area.load;
    let staged = |table, verb| Source::Staged { table, load, verb };
    let new = |source| match inserts {
        Inserts::Plain => Source::New(Box::new(source)),
        Inserts::Careful => source,
    };
    lock(area, transaction).await?;
    check_targets(area, transaction).await?;
    let created = new(staged("staging_entity", Some("create")));
    let made = run(area, transaction, write::insert_entities, created).await?;
    if made != entities.first {
        return Err(stale());
    }
    keys(area, transaction, &new).await?;
    let rewritten = staged("staging_entity", Some("update"));
    if updates
        && run(area, transaction, write::update_entities, rewritten).await? != entities.second
    {
        return Err(stale());
    }
    if updates {
        for (_, table, verb, piece) in write::SIDE_PIECES {
            run(area, transaction, piece, staged(table, Some(verb))).await?;
        }
    }
    let derived = |derived| Source::Created { load, derived };
    let side = |piece: Piece, of, source| (piece, of, source);
    let fields = area.entity_type.live_fields().filter(|one| one.indexed);
    let values = fields.map(|field| Derived::Values {
        field: field.number,
        list: field.list,
    });
    let links = area.entity_type.live_links().map(|link| Derived::Links {
        link: link.number,
        cardinality: link.cardinality,
    });
    let mut sides = vec![
        side(write::insert_owners, true, Derived::Owners),
        // Who owns it may stand among its readers too, and a list may hold a value twice.
        side(write::insert_owners, false, Derived::Readers),
    ];
    sides.extend(links.map(|one| side(write::insert_links, true, one)));
    sides.extend(values.map(|one| {
        let distinct = matches!(one, Derived::Values { list: false, .. });
        side(write::insert_values, distinct, one)
    }));
    if entities.first > 0 {
        for (piece, distinct, rows) in sides {
            let source = if distinct {
                new(derived(rows))
            } else {
                derived(rows)
            };
            run(area, transaction, piece, source).await?;
        }
    }
    let log = Derived::Changes {
        actor: area.actor.to_string(),
        at: area.at,
        updates,
    };
    let logged = run(area, transaction, write::append_changes, new(derived(log))).await?;
    // An id was used, and its entity deleted, since it was looked at: its versions go on from there.
    if logged != area.staged() {
        return Err(stale());
    }
    last_logged(area, transaction).await
}

/// Claims, moves and gives up the staged keys.
async fn keys<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    new: &impl Fn(Source) -> Source,
) -> Result<(), Stop> {
    let load = area.load;
    let keys = |fate| Source::StagedKeys { load, fate };
    let staged = counts(area, transaction, "staging_key").await?;
    let (claimed, expected) = if staged.second == 0 {
        let all = Source::Staged {
            table: "staging_key",
            load,
            verb: Some("in"),
        };
        (all, staged.first)
    } else {
        let claimed = keys(Fate::Claimed);
        let expected = count_of(area, transaction, claimed.clone()).await?;
        (claimed, expected)
    };
    if expected > 0 && run(area, transaction, write::insert_keys, new(claimed)).await? != expected {
        return Err(stale());
    }
    if staged.second > 0 {
        let expected = count_of(area, transaction, keys(Fate::Moved)).await?;
        if expected > 0
            && run(area, transaction, write::move_keys, keys(Fate::Moved)).await? != expected
        {
            return Err(stale());
        }
        run(area, transaction, write::delete_keys, keys(Fate::Released)).await?;
    }
    Ok(())
}

/// The place of the last row that this transaction appended to the log.
async fn last_logged<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<Position, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push(match D::DIALECT {
        Dialect::Sqlite => "SELECT 0, c.sequence FROM change AS c ORDER BY c.sequence DESC LIMIT 1",
        Dialect::Postgres => "SELECT c.transaction::text::bigint, c.sequence FROM change AS c WHERE c.transaction = pg_current_xact_id() ORDER BY c.sequence DESC LIMIT 1",
    });
    let rows = area
        .driver
        .fetch_in(transaction, sql.finish_fresh(&[Int, Int]))
        .await?;
    let mut row = rows
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::internal("loading", "nothing was logged"))?;
    Ok(Position {
        transaction: row.unsigned()?,
        sequence: row.unsigned()?,
    })
}

/// Keeps the area from being dropped, and compares it with what this load knows to have staged: what a crash of the engine or another hand
/// took away must not look like a smaller file.
async fn check_complete<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
) -> Result<Counts, Stop> {
    remember(area, transaction, &[]).await?;
    let entities = counts(area, transaction, "staging_entity").await?;
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT count(*) FROM staging_change WHERE load = ");
    sql.bind(Argument::Id(area.load));
    let changes = count(area, transaction, sql).await?;
    if entities.first + entities.second != area.staged() || changes != entities.second {
        let lost = "the staging area has lost rows";
        return Err(StoreError::new(StoreErrorKind::Unavailable, "loading", lost).into());
    }
    Ok(entities)
}

async fn counts<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    table: &str,
) -> Result<Counts, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push(&format!(
        "SELECT s.verb, count(*) FROM {table} AS s WHERE s.load = "
    ))
    .bind(Argument::Id(area.load))
    .push(" GROUP BY s.verb");
    let rows = area
        .driver
        .fetch_in(transaction, sql.finish_fresh(&[Text, Int]))
        .await?;
    let mut counts = Counts::default();
    for mut row in rows {
        match row.text()?.as_str() {
            "create" | "in" => counts.first = row.unsigned()?,
            _ => counts.second = row.unsigned()?,
        }
    }
    Ok(counts)
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

async fn count_of<D: Driver>(
    area: &Area<D>,
    transaction: &mut D::Transaction,
    source: Source,
) -> Result<u64, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT count(*) FROM ");
    source.push(&mut sql);
    count(area, transaction, sql).await
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
        " AND s.verb = 'update' UNION ALL SELECT s.target, {linked} FROM staging_target AS s WHERE s.load = "
    ))
    .bind(Argument::Id(area.load));
    sql.push(") AS x GROUP BY x.id ORDER BY x.id) AS r CROSS JOIN LATERAL (");
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
        sql.push("SELECT count(*) FROM staging_target AS d WHERE d.load = ")
            .bind(Argument::Id(area.load));
        sql.push(" AND d.link = ")
            .bind(Argument::Int(i64::from(link.number.0)));
        sql.push(" AND NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.id = d.target");
        and_allowed(&mut sql, "e.type", &link.to);
        and_readable_then(area, &mut sql);
        sql.push(") AND NOT EXISTS (SELECT 1 FROM staging_entity AS c WHERE c.load = ")
            .bind(Argument::Id(area.load));
        sql.push(" AND c.id = d.target AND c.verb = 'create'");
        and_allowed(&mut sql, "c.type", &link.to);
        and_staged_readable(area, &mut sql);
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

fn principals<D: Driver>(area: &Area<D>) -> Option<Vec<String>> {
    match &area.scope {
        Scope::Everything => None,
        Scope::Readable(principals) => Some(principals.iter().map(ToString::to_string).collect()),
    }
}

/// Appends `AND` the condition that the stored entity `e` will be inside the scope when all is applied: by a row of `owner` that stays, or
/// by one that comes.
fn and_readable_then<D: Driver>(area: &Area<D>, sql: &mut Sql) {
    let Some(principals) = principals(area) else {
        return;
    };
    sql.push(
        " AND (EXISTS (SELECT 1 FROM owner AS o WHERE o.type = e.type AND o.entity = e.id AND ",
    )
    .text_in("o.principal", principals.clone());
    sql.push(" AND NOT EXISTS (SELECT 1 FROM staging_owner AS x WHERE x.load = ")
        .bind(Argument::Id(area.load));
    sql.push(" AND x.verb = 'out' AND x.entity = o.entity AND x.principal = o.principal)) OR EXISTS (SELECT 1 FROM staging_owner AS x WHERE x.load = ")
        .bind(Argument::Id(area.load));
    sql.push(" AND x.verb = 'in' AND x.entity = e.id AND ")
        .text_in("x.principal", principals)
        .push("))");
}

/// Appends `AND` the condition that the entity `c`, which is staged to be made, is inside the scope.
fn and_staged_readable<D: Driver>(area: &Area<D>, sql: &mut Sql) {
    let Some(principals) = principals(area) else {
        return;
    };
    for (column, before, after) in [("owners", " AND (", " OR "), ("readers", "", ")")] {
        let elements = created::elements(sql.dialect, &format!("c.{column}"));
        sql.push(before)
            .push(&format!("EXISTS (SELECT 1 FROM {elements} WHERE "))
            .text_in("p.value", principals.clone())
            .push(")")
            .push(after);
    }
}
