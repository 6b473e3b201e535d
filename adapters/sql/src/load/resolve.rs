//! Telling a load what is stored and staged, set-wise.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use registry_core::{
    Encoded, Entity, EntityId, KeyNumber, TypeId, Version,
    load::{Lookup, Origin, Resolution, ResolvedEntity, ResolvedTarget},
    port::{KeyRef, StoreError},
};
use uuid::Uuid;

use crate::{
    Argument, Column, ColumnType,
    ColumnType::{Id, Int, Text},
    Driver, Row, Sql,
    driver::Committing,
    entities,
};

use super::Area;

async fn read<D: Driver>(
    area: &Area<D>,
    sql: Sql,
    columns: &'static [ColumnType],
) -> Result<Vec<Row>, StoreError> {
    let rows = area.driver.fetch(sql.finish_fresh(columns)).await;
    rows.map_err(|error| error.into_store_error("resolving rows of a load", Committing::No))
}

/// Answers a lookup.
pub(super) async fn resolve<D: Driver>(
    area: &Area<D>,
    lookup: &Lookup,
) -> Result<Resolution, StoreError> {
    let own_type = area.entity_type.id;
    let mut wanted: BTreeSet<KeyRef> = lookup.keys.clone();
    let of_type = |key: &(KeyNumber, Encoded)| KeyRef {
        type_id: own_type,
        key: key.0,
        value: key.1.clone(),
    };
    wanted.extend(lookup.entity_keys.iter().map(of_type));
    let holders = holders(area, wanted).await?;

    let mut answer = Resolution::default();
    for key in &lookup.entity_keys {
        if let Some(holder) = holders.get(&of_type(key)) {
            answer.entity_keys.insert(key.clone(), *holder);
        }
    }
    let mut whole: BTreeSet<EntityId> = lookup.entities.clone();
    whole.extend(answer.entity_keys.values());
    answer.entities = whole_entities(area, &whole).await?;
    let absent: Vec<Uuid> = lookup
        .entities
        .iter()
        .filter(|id| !answer.entities.contains_key(id))
        .map(|id| id.0)
        .collect();
    answer.last_versions = last_versions(area, absent).await?;

    let mut ends: BTreeSet<EntityId> = lookup.targets.clone();
    ends.extend(lookup.keys.iter().filter_map(|key| holders.get(key)));
    let ends = targets(area, &ends).await?;
    answer.targets = lookup
        .targets
        .iter()
        .filter_map(|id| ends.get(id).map(|end| (*id, *end)))
        .collect();
    answer.keys = lookup
        .keys
        .iter()
        .filter_map(|key| {
            holders
                .get(key)
                .and_then(|id| ends.get(id))
                .map(|end| (key.clone(), *end))
        })
        .collect();
    Ok(answer)
}

/// A key as [`Area::staged_keys`] has it.
type Place<'a> = (TypeId, KeyNumber, &'a str);

fn key_rows(keys: &[Place<'_>]) -> Vec<Column> {
    vec![
        Column::ids("type", keys.iter().map(|key| key.0.0)),
        Column::ints("key", keys.iter().map(|key| i64::from(key.1.0))),
        Column::texts("value", keys.iter().map(|key| key.2.to_owned())),
    ]
}

/// Who holds these keys, as this load sees it.
async fn holders<D: Driver>(
    area: &Area<D>,
    keys: BTreeSet<KeyRef>,
) -> Result<HashMap<KeyRef, EntityId>, StoreError> {
    let mut found = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let on = "k.type = r.type AND k.key = r.key AND k.value = r.value";
    let keys: Vec<Place<'_>> = keys
        .iter()
        .map(|key| (key.type_id, key.key, key.value.0.as_str()))
        .collect();
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT k.type, k.key, k.value, k.entity, 'stored' FROM ")
        .rows("r", key_rows(&keys));
    sql.push(&format!(" JOIN unique_key AS k ON {on}"));
    let mut rows = read(area, sql, &[Id, Int, Text, Id, Text]).await?;
    let keys = area.staged_keys.among(keys.into_iter());
    if !keys.is_empty() {
        // Given up first, claimed last: who claims a value that another gave up holds it.
        for verb in ["out", "in"] {
            let mut sql = Sql::new(D::DIALECT);
            sql.push(&format!(
                "SELECT k.type, k.key, k.value, k.entity, '{verb}' FROM "
            ))
            .rows("r", key_rows(&keys));
            let join = D::DIALECT.ordered_join();
            sql.push(&format!(" {join} staging_key AS k ON {on} WHERE k.load = "))
                .bind(Argument::Id(area.load));
            sql.push(&format!(" AND k.verb = '{verb}'"));
            rows.extend(read(area, sql, &[Id, Int, Text, Id, Text]).await?);
        }
    }
    for mut row in rows {
        let type_id = TypeId(row.id()?);
        let key = KeyNumber(
            u32::try_from(row.int()?)
                .map_err(|error| StoreError::internal("decoding a row", error))?,
        );
        let key = KeyRef {
            type_id,
            key,
            value: Encoded(row.text()?),
        };
        let holder = EntityId(row.id()?);
        if row.text()? == "out" {
            found.remove(&key);
        } else {
            found.insert(key, holder);
        }
    }
    Ok(found)
}

async fn whole_entities<D: Driver>(
    area: &Area<D>,
    ids: &BTreeSet<EntityId>,
) -> Result<HashMap<EntityId, ResolvedEntity>, StoreError> {
    let mut found = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT ")
        .push(&entities::columns(D::DIALECT, "e"))
        .push(" FROM entity AS e WHERE ")
        .id_in("e.id", wanted.clone());
    for row in read(area, sql, entities::COLUMNS).await? {
        let entity = Arc::new(entities::read(row)?);
        found.insert(
            entity.id,
            ResolvedEntity {
                entity,
                origin: Origin::Stored,
                seen: false,
            },
        );
    }
    let staged = area.staged_ids.among(wanted.iter().copied().map(EntityId));
    if !staged.is_empty() {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT ")
            .push(&entities::columns(D::DIALECT, "e"))
            .push(" FROM staging_entity AS e WHERE e.load = ");
        sql.bind(Argument::Id(area.load))
            .push(" AND ")
            .id_in("e.id", staged.iter().map(|id| id.0).collect());
        for row in read(area, sql, entities::COLUMNS).await? {
            let entity: Arc<Entity> = Arc::new(entities::read(row)?);
            let stored = found
                .get(&entity.id)
                .map(|stored| Arc::clone(&stored.entity));
            found.insert(
                entity.id,
                ResolvedEntity {
                    entity,
                    origin: Origin::Staged(stored),
                    seen: false,
                },
            );
        }
    }
    let maybe_seen = area.seen.among(wanted.into_iter().map(EntityId));
    if maybe_seen.is_empty() {
        return Ok(found);
    }
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT s.entity FROM staging_seen AS s WHERE s.load = ")
        .bind(Argument::Id(area.load))
        .push(" AND ");
    sql.id_in("s.entity", maybe_seen.iter().map(|id| id.0).collect());
    let mut seen = HashSet::new();
    for mut row in read(area, sql, &[Id]).await? {
        seen.insert(EntityId(row.id()?));
    }
    for (id, entity) in &mut found {
        entity.seen = seen.contains(id);
    }
    Ok(found)
}

async fn targets<D: Driver>(
    area: &Area<D>,
    ids: &BTreeSet<EntityId>,
) -> Result<HashMap<EntityId, ResolvedTarget>, StoreError> {
    let mut found = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let staged = area.staged_ids.among(ids.iter().copied());
    for (table, wanted) in [
        ("entity", ids.iter().copied().collect()),
        ("staging_entity", staged),
    ] {
        if wanted.is_empty() {
            continue;
        }
        let json = |name| D::DIALECT.json_text(name);
        let mut sql = Sql::new(D::DIALECT);
        sql.push(&format!(
            "SELECT e.id, e.type, {}, {} FROM {table} AS e WHERE ",
            json("e.owners"),
            json("e.readers")
        ));
        if table == "staging_entity" {
            sql.push("e.load = ")
                .bind(Argument::Id(area.load))
                .push(" AND ");
        }
        sql.id_in("e.id", wanted.iter().map(|id| id.0).collect());
        for mut row in read(area, sql, &[Id, Id, Text, Text]).await? {
            let (id, type_id) = (EntityId(row.id()?), TypeId(row.id()?));
            let (owners, readers): (Vec<_>, Vec<_>) = (row.json()?, row.json()?);
            let readable = area.scope.admits(&owners, &readers);
            found.insert(
                id,
                ResolvedTarget {
                    id,
                    type_id,
                    readable,
                },
            );
        }
    }
    Ok(found)
}

async fn last_versions<D: Driver>(
    area: &Area<D>,
    ids: Vec<Uuid>,
) -> Result<HashMap<EntityId, Version>, StoreError> {
    let mut found = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT c.entity, max(c.version) FROM change AS c WHERE c.operation <> 'type' AND ")
        .id_in("c.entity", ids)
        .push(" GROUP BY c.entity");
    for mut row in read(area, sql, &[Id, Int]).await? {
        found.insert(EntityId(row.id()?), Version(row.int()?));
    }
    Ok(found)
}
