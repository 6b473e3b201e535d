//! Entity rows: their columns, how they are read, and the reads by id and by key.

use registry_core::{
    Encoded, Entity, EntityId, KeyNumber, Principal, Scope, Timestamp, TypeId, Version,
    port::StoreError,
};

use crate::{
    Argument, ColumnType,
    ColumnType::{Id, Int, Text},
    Dialect, Row, Sql, Statement,
};

/// Types of the columns of [`columns`].
pub(crate) const COLUMNS: &[ColumnType] = &[
    Id, Id, Int, Int, Text, Text, Text, Text, Int, Text, Int, Text,
];

/// The columns of an entity row named `alias`.
pub(crate) fn columns(dialect: Dialect, alias: &str) -> String {
    let json = |name: &str| dialect.json_text(&format!("{alias}.{name}"));
    format!(
        "{alias}.id, {alias}.type, {alias}.version, {alias}.type_version, {}, {}, {}, {}, \
         {alias}.created_at, {alias}.created_by, {alias}.updated_at, {alias}.updated_by",
        json("data"),
        json("links"),
        json("owners"),
        json("readers"),
    )
}

/// Reads a row of [`COLUMNS`].
pub(crate) fn read(mut row: Row) -> Result<Entity, StoreError> {
    Ok(Entity {
        id: EntityId(row.id()?),
        type_id: TypeId(row.id()?),
        version: Version(row.int()?),
        type_version: Version(row.int()?),
        data: row.json()?,
        links: row.json()?,
        owners: row.json()?,
        readers: row.json()?,
        created_at: Timestamp(row.int()?),
        created_by: principal(&row.text()?)?,
        updated_at: Timestamp(row.int()?),
        updated_by: principal(&row.text()?)?,
    })
}

/// Reads a stored principal.
pub(crate) fn principal(text: &str) -> Result<Principal, StoreError> {
    Principal::parse(text).ok_or_else(|| StoreError::internal("decoding a row", "not a principal"))
}

/// Entities by id.
pub(crate) fn by_ids(dialect: Dialect, ids: &[EntityId], scope: &Scope) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ")
        .push(&columns(dialect, "e"))
        .push(" FROM entity AS e WHERE ");
    sql.id_in("e.id", ids.iter().map(|id| id.0).collect());
    and_readable(&mut sql, "e", scope);
    if ids.len() > 1 {
        sql.push(" ORDER BY e.id");
    }
    sql.finish(COLUMNS)
}

/// The entity that holds a key.
pub(crate) fn by_key(
    dialect: Dialect,
    type_id: TypeId,
    key: KeyNumber,
    value: &Encoded,
    scope: &Scope,
) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ").push(&columns(dialect, "e"));
    sql.push(" FROM unique_key AS k JOIN entity AS e ON e.id = k.entity WHERE k.type = ")
        .bind(Argument::Id(type_id.0));
    sql.push(" AND k.key = ")
        .bind(Argument::Int(i64::from(key.0)));
    sql.push(" AND k.value = ")
        .bind(Argument::Text(value.0.clone()));
    and_readable(&mut sql, "e", scope);
    sql.finish(COLUMNS)
}

/// Appends `AND` the condition that the entity named `alias` is inside the scope.
pub(crate) fn and_readable(sql: &mut Sql, alias: &str, scope: &Scope) {
    if let Scope::Readable(principals) = scope {
        sql.push(&format!(" AND EXISTS (SELECT 1 FROM owner AS o WHERE o.type = {alias}.type AND o.entity = {alias}.id AND "));
        sql.text_in(
            "o.principal",
            principals
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
        )
        .push(")");
    }
}
