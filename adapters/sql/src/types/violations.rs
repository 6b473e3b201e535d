//! What of the stored entities stands in the way of a change of their type.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    Entity, EntityId, LinkTargets, TypeId,
    change::{KeyRow, TypeChange},
    limits::IN_USE_COUNTED,
    port::{Conflict, StoreError, TypeViolation},
};

use crate::{
    Argument,
    ColumnType::{Id, Int},
    Driver, Sql,
    apply::statement,
    entities,
    retry::Stop,
    write::{self, Source, key_columns},
};

/// Entities looked at in one read while a type changes.
const SLICE: i64 = 1_000;
/// Entities named by a refusal.
const SAMPLES: usize = 10;

/// What stands in the way, by (name, code).
#[derive(Default)]
struct Violations(BTreeMap<(String, &'static str), BTreeSet<EntityId>>);

impl Violations {
    fn add(&mut self, name: String, code: &'static str, entity: EntityId) {
        self.0.entry((name, code)).or_default().insert(entity);
    }

    fn first(self) -> Option<Conflict> {
        let ((name, code), entities) = self.0.into_iter().next()?;
        Some(Conflict::Violation(TypeViolation {
            name,
            code,
            count: entities.len() as u64,
            samples: entities.into_iter().take(SAMPLES).collect(),
        }))
    }
}

/// Reads every entity of the type, slice by slice: checks it against the change, and claims the keys that the change asks for.
pub(super) async fn look_at_entities<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    change: &TypeChange,
) -> Result<(), Stop> {
    if change.after.is_none() {
        return refuse_in_use(driver, transaction, id).await;
    }
    let narrowed = change.narrowed_links();
    if !change.looks_at_entities() && change.keys_to_build().is_empty() && narrowed.is_empty() {
        return Ok(());
    }
    let mut violations = Violations::default();
    let mut after: Option<EntityId> = None;
    loop {
        let slice = read_slice(driver, transaction, id, after).await?;
        for entity in &slice {
            for (name, code) in change.violations(entity) {
                violations.add(name, code, entity.id);
            }
        }
        let keys: Vec<KeyRow> = slice
            .iter()
            .flat_map(|entity| change.keys_of(entity))
            .collect();
        claim(driver, transaction, change, keys, &mut violations).await?;
        match slice.last() {
            Some(last) if i64::try_from(slice.len()) == Ok(SLICE) => after = Some(last.id),
            _ => break,
        }
    }
    for (link, to) in narrowed {
        check_narrowed(
            driver,
            transaction,
            id,
            change,
            link.0,
            &to,
            &mut violations,
        )
        .await?;
    }
    violations
        .first()
        .map_or(Ok(()), |conflict| Err(conflict.into()))
}

/// Refuses to remove a type that has entities: looks at as many of them as the refusal counts, however many there are.
async fn refuse_in_use<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT e.id FROM entity AS e WHERE e.type = ")
        .bind(Argument::Id(id.0))
        .push(" ORDER BY e.id LIMIT ")
        .bind(Argument::Int(
            i64::try_from(IN_USE_COUNTED).unwrap_or(i64::MAX),
        ));
    let rows = driver.fetch_in(transaction, sql.finish(&[Id])).await?;
    let count = rows.len() as u64;
    let samples = rows
        .into_iter()
        .take(SAMPLES)
        .map(|mut row| Ok(EntityId(row.id()?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    if samples.is_empty() {
        return Ok(());
    }
    Err(Conflict::Violation(TypeViolation {
        name: String::new(),
        code: "type_in_use",
        count,
        samples,
    })
    .into())
}

async fn read_slice<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    after: Option<EntityId>,
) -> Result<Vec<Entity>, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT ")
        .push(&entities::columns(D::DIALECT, "e"))
        .push(" FROM entity AS e WHERE e.type = ")
        .bind(Argument::Id(id.0));
    if let Some(after) = after {
        sql.push(" AND e.id > ").bind(Argument::Id(after.0));
    }
    sql.push(" ORDER BY e.id LIMIT ").bind(Argument::Int(SLICE));
    let rows = driver
        .fetch_in(transaction, sql.finish(entities::COLUMNS))
        .await?;
    Ok(rows
        .into_iter()
        .map(entities::read)
        .collect::<Result<_, _>>()?)
}

/// Claims new keys; entities that share a value are violations of the key, all of them.
async fn claim<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    change: &TypeChange,
    mut keys: Vec<KeyRow>,
    violations: &mut Violations,
) -> Result<(), Stop> {
    if keys.is_empty() {
        return Ok(());
    }
    keys.sort();
    let insert = statement(D::DIALECT, |sql| {
        write::insert_keys(sql, Source::Rows(key_columns(&keys)));
    });
    if driver.execute_in(transaction, insert).await? == keys.len() as u64 {
        return Ok(());
    }
    let names: BTreeMap<_, _> = change
        .after
        .iter()
        .flat_map(|after| after.all_keys())
        .map(|key| (key.number, key.name))
        .collect();
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT k.key, k.entity, r.entity FROM ")
        .rows("r", key_columns(&keys));
    let join = D::DIALECT.ordered_join();
    sql.push(&format!(
        " {join} unique_key AS k ON k.type = r.type AND k.key = r.key AND k.value = r.value WHERE k.entity <> r.entity"
    ));
    for mut row in driver
        .fetch_in(transaction, sql.finish(&[Int, Id, Id]))
        .await?
    {
        let key = row.int()?;
        let name = names.iter().find(|(number, _)| i64::from(number.0) == key);
        let name = name.map(|(_, name)| name.clone()).unwrap_or_default();
        for entity in [row.id()?, row.id()?] {
            violations.add(name.clone(), "type_change_conflict", EntityId(entity));
        }
    }
    Ok(())
}

/// Looks for links that lead to types no longer allowed.
async fn check_narrowed<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    change: &TypeChange,
    link: u32,
    to: &LinkTargets,
    violations: &mut Violations,
) -> Result<(), Stop> {
    let LinkTargets::Types(allowed) = to else {
        return Ok(());
    };
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT DISTINCT l.holder FROM link AS l JOIN entity AS t ON t.id = l.target WHERE l.holder_type = ");
    sql.bind(Argument::Id(id.0))
        .push(" AND l.link = ")
        .bind(Argument::Int(i64::from(link)))
        .push(" AND NOT (");
    sql.id_in("t.type", allowed.iter().map(|one| one.0).collect())
        .push(") ORDER BY l.holder");
    let name = change
        .after
        .as_ref()
        .and_then(|after| after.link(registry_core::LinkNumber(link)))
        .map(|link| link.name.clone())
        .unwrap_or_default();
    for mut row in driver.fetch_in(transaction, sql.finish(&[Id])).await? {
        violations.add(name.clone(), "type_change_conflict", EntityId(row.id()?));
    }
    Ok(())
}
