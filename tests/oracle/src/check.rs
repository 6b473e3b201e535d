//! After a sequence: do a store's tables agree with its entities, and its log with their versions?

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use registry_core::{
    Catalog, Entity, EntityId, Scope, Version,
    change::{Change, ChangeOperation, key_rows, link_rows, value_rows},
    port::{Jobs, Store},
    query::{Count, Filter, Query},
    service::Registry,
};
use registry_sql::{
    Cell,
    ColumnType::{self, Id, Int, Text},
    Driver, SqlStore,
};

use crate::store::{Rows, Subject};

/// All that a store holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) entities: Vec<Entity>,
    pub(crate) log: Vec<Change>,
}

/// What a registry's store holds: entities by id, the log by entity and then in its order.
pub(crate) async fn contents(registry: &Registry) -> Result<Contents, String> {
    let said = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let catalog = registry.catalog().await.map_err(|error| said(&error))?;
    let store = registry.store();
    let entities = if catalog.types().is_empty() {
        Vec::new()
    } else {
        let query = Query {
            types: catalog.types().iter().map(|one| one.id).collect(),
            filter: Filter::And(Vec::new()),
            sort: Vec::new(),
            scope: Scope::Everything,
            limit: 1,
            after: None,
            count: Count::None,
        };
        let stream = store.export(&query).await.map_err(|error| said(&error))?;
        stream.try_collect().await.map_err(|error| said(&error))?
    };
    let head = store.log_head().await.map_err(|error| said(&error))?;
    let mut log = Vec::new();
    let mut after = None;
    let mut waited = 0;
    while after < head {
        let page = store
            .changes(after, 97)
            .await
            .map_err(|error| said(&error))?;
        if page.rows.is_empty() {
            // PostgreSQL gives no row while a transaction that began earlier, in another database too, has not ended.
            waited += 1;
            if waited > 5_000 {
                return Err("the log does not reach its head".to_owned());
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            continue;
        }
        log.extend(page.rows.into_iter().map(|row| row.change));
        after = page.next;
    }
    // What is promised is the order of one entity's versions: rows of one load may come in another order.
    log.sort_by_key(|change: &Change| change.entity);
    Ok(Contents { entities, log })
}

/// Where the log does not tell the versions of the entities.
pub(crate) fn log_faults(contents: &Contents) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last: BTreeMap<EntityId, (Version, ChangeOperation)> = BTreeMap::new();
    for change in &contents.log {
        if change.operation == ChangeOperation::Type {
            continue;
        }
        let before = last.insert(change.entity, (change.version, change.operation));
        let fits = match before {
            None => change.version == Version::FIRST && change.operation == ChangeOperation::Create,
            Some((version, operation)) => {
                let born = change.operation == ChangeOperation::Create;
                let gone = operation == ChangeOperation::Delete;
                change.version == version.next() && born == gone
            }
        };
        if !fits {
            faults.push(format!("{change:?} comes after {before:?}"));
        }
    }
    let live: BTreeMap<EntityId, Version> = last
        .iter()
        .filter(|(_, (_, operation))| *operation != ChangeOperation::Delete)
        .map(|(id, (version, _))| (*id, *version))
        .collect();
    let stored: BTreeMap<EntityId, Version> = contents
        .entities
        .iter()
        .map(|one| (one.id, one.version))
        .collect();
    if live != stored {
        faults.push(format!("the log ends at {live:?}, stored is {stored:?}"));
    }
    faults
}

/// Where symmetric links are not held by both ends, or a link leads nowhere.
pub(crate) fn link_faults(catalog: &Catalog, entities: &[Entity]) -> Vec<String> {
    let by_id: BTreeMap<EntityId, &Entity> = entities.iter().map(|one| (one.id, one)).collect();
    let mut faults = Vec::new();
    for entity in entities {
        let Some(of) = catalog.by_id(entity.type_id) else {
            faults.push(format!("{} has no type", entity.id));
            continue;
        };
        for link in of.live_links() {
            for target in entity.links.get(&link.number).into_iter().flatten() {
                let Some(far) = by_id.get(target) else {
                    faults.push(format!("{} {} leads nowhere", entity.id, link.name));
                    continue;
                };
                let back = far.links.get(&link.number);
                if link.symmetric() && !back.is_some_and(|back| back.contains(&entity.id)) {
                    faults.push(format!("{} {} is held by one end", entity.id, link.name));
                }
            }
        }
    }
    faults
}

/// The rows that each table should hold beside the entities.
fn expected(catalog: &Catalog, entities: &[Entity]) -> BTreeMap<&'static str, Rows> {
    let mut tables: BTreeMap<&'static str, Rows> = BTreeMap::new();
    for table in TABLES {
        tables.insert(table.0, Rows::new());
    }
    let mut add = |table: &'static str, cells: Vec<Cell>| {
        tables
            .entry(table)
            .or_default()
            .insert(format!("{cells:?}"));
    };
    let number = |number: u32| Cell::Int(i64::from(number));
    for entity in entities {
        let Some(of) = catalog.by_id(entity.type_id) else {
            continue;
        };
        for row in link_rows(of, entity.id, &entity.links) {
            let cells = vec![
                Cell::Id(row.holder.0),
                number(row.link.0),
                Cell::Id(row.target.0),
                Cell::Id(row.holder_type.0),
            ];
            add("link", cells);
        }
        for row in key_rows(of, entity) {
            let cells = vec![
                Cell::Id(row.type_id.0),
                number(row.key.0),
                Cell::Text(row.value.0),
                Cell::Id(row.entity.0),
            ];
            add("unique_key", cells);
        }
        for row in value_rows(of, entity) {
            let cells = vec![
                Cell::Id(row.type_id.0),
                number(row.field.0),
                Cell::Text(row.value.0),
                Cell::Id(row.entity.0),
            ];
            add("field_value", cells);
        }
        for principal in entity.owners.iter().chain(&entity.readers) {
            let cells = vec![
                Cell::Text(principal.to_string()),
                Cell::Id(entity.type_id.0),
                Cell::Id(entity.id.0),
            ];
            add("owner", cells);
        }
    }
    tables
}

/// The tables that follow from the entities, and those that must be empty.
const TABLES: [(&str, &str, &[ColumnType]); 6] = [
    (
        "link",
        "SELECT holder, CAST(link AS BIGINT), target, holder_type FROM link",
        &[Id, Int, Id, Id],
    ),
    (
        "unique_key",
        "SELECT type, CAST(key AS BIGINT), value, entity FROM unique_key",
        &[Id, Int, Text, Id],
    ),
    (
        "field_value",
        "SELECT type, CAST(field AS BIGINT), value, entity FROM field_value",
        &[Id, Int, Text, Id],
    ),
    (
        "owner",
        "SELECT principal, type, entity FROM owner",
        &[Text, Id, Id],
    ),
    (
        "pending_index",
        "SELECT type, CAST(field AS BIGINT) FROM pending_index",
        &[Id, Int],
    ),
    ("staging", "SELECT load FROM staging", &[Id]),
];

/// Where the tables of an SQL store, with every index built, do not agree with its entities.
pub(crate) async fn table_faults<D: Driver>(
    subject: &Subject<D>,
    catalog: &Catalog,
    entities: &[Entity],
) -> Result<Vec<String>, String>
where
    SqlStore<D>: Store + Jobs,
{
    let mut faults = Vec::new();
    let expected = expected(catalog, entities);
    for (table, query, columns) in TABLES {
        let found = subject
            .rows(query, columns)
            .await
            .map_err(|error| format!("{table}: {error:?}"))?;
        let wanted = &expected[table];
        for row in found.difference(wanted) {
            faults.push(format!("{table} has {row}"));
        }
        for row in wanted.difference(&found) {
            faults.push(format!("{table} lacks {row}"));
        }
    }
    Ok(faults)
}
