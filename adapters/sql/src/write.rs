//! The writes: one piece of SQL per table and verb, each over a whole set of rows. A piece stands alone as a statement or inside a `WITH`.

use registry_core::{
    Entity, EntityId, Version,
    change::{Batch, Change, KeyRow, LinkRow, OwnerRow, ValueRow},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Argument, Column, Dialect, Sql,
    created::{self, Derived},
};

pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain structs and maps with number keys serialise")
}

/// Where the rows of a piece come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// They are bound. Where a piece waits for locks, they are in the order of these.
    Rows(Vec<Column>),
    /// They stand in a staging table.
    Staged {
        /// The table.
        table: &'static str,
        /// The load.
        load: Uuid,
        /// What is to be done with them; `None` for all.
        verb: Option<&'static str>,
    },
    /// They follow from entities that are staged to be made.
    Created {
        /// The load.
        load: Uuid,
        /// Which of them.
        derived: Derived,
    },
    /// Rows that cannot be there yet: one that is ends the statement. Cheaper than to look for each, where there are many.
    New(Box<Source>),
    /// They are staged keys.
    StagedKeys {
        /// The load.
        load: Uuid,
        /// Which of them.
        fate: Fate,
    },
}

/// What becomes of a key; as in [`crate::keys::Keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It must be free, and is claimed.
    Claimed,
    /// One entity gives it up, another claims it.
    Moved,
    /// It is given up.
    Released,
}

impl Source {
    /// What ends an insert of the rows: those that are there already are left out, unless none can be.
    fn if_taken(&self, columns: &str) -> String {
        match self {
            Self::New(_) => String::new(),
            _ => format!(" WHERE TRUE ON CONFLICT{columns} DO NOTHING"),
        }
    }

    /// Appends the rows, named `r`, for a FROM clause.
    pub(crate) fn push(self, sql: &mut Sql) {
        match self {
            Self::New(source) => source.push(sql),
            Self::Created { load, derived } => {
                sql.push("(");
                created::push(sql, load, &derived);
                sql.push(") AS r");
            }
            Self::Rows(columns) => {
                sql.rows("r", columns);
            }
            Self::Staged { table, load, verb } => {
                sql.push(&format!("(SELECT * FROM {table} WHERE load = "))
                    .bind(Argument::Id(load));
                if let Some(verb) = verb {
                    sql.push(" AND verb = ")
                        .bind(Argument::Text(verb.to_owned()));
                }
                match table {
                    STAGED_ENTITIES => sql.push(" ORDER BY id"),
                    STAGED_KEYS => sql.push(" ORDER BY type, key, value"),
                    _ => sql,
                };
                sql.push(") AS r");
            }
            Self::StagedKeys { load, fate } => {
                let (columns, verb, other) = match fate {
                    Fate::Claimed => ("k.*", "in", "out"),
                    Fate::Moved => ("k.*, o.entity AS holder", "in", "out"),
                    Fate::Released => ("k.*", "out", "in"),
                };
                let same = format!(
                    "o.load = k.load AND o.verb = '{other}' AND o.type = k.type AND o.key = k.key AND o.value = k.value"
                );
                sql.push(&format!("(SELECT {columns} FROM staging_key AS k"));
                if fate == Fate::Moved {
                    sql.push(&format!(" JOIN staging_key AS o ON {same}"));
                }
                sql.push(" WHERE k.load = ").bind(Argument::Id(load));
                sql.push(&format!(" AND k.verb = '{verb}'"));
                if fate != Fate::Moved {
                    sql.push(&format!(
                        " AND NOT EXISTS (SELECT 1 FROM staging_key AS o WHERE {same})"
                    ));
                }
                sql.push(" ORDER BY k.type, k.key, k.value) AS r");
            }
        }
    }
}

/// The staging table whose rows wait for locks.
const STAGED_ENTITIES: &str = "staging_entity";
/// The other one.
const STAGED_KEYS: &str = "staging_key";

/// The columns of whole entities.
pub(crate) fn entity_columns(entities: &[Entity]) -> Vec<Column> {
    let each = || entities.iter();
    vec![
        Column::ids("id", each().map(|one| one.id.0)),
        Column::ids("type", each().map(|one| one.type_id.0)),
        Column::ints("version", each().map(|one| one.version.0)),
        Column::ints("type_version", each().map(|one| one.type_version.0)),
        Column::texts("data", each().map(|one| json(&one.data))),
        Column::texts("links", each().map(|one| json(&one.links))),
        Column::texts("owners", each().map(|one| json(&one.owners))),
        Column::texts("readers", each().map(|one| json(&one.readers))),
        Column::ints("created_at", each().map(|one| one.created_at.0)),
        Column::texts("created_by", each().map(|one| one.created_by.to_string())),
        Column::ints("updated_at", each().map(|one| one.updated_at.0)),
        Column::texts("updated_by", each().map(|one| one.updated_by.to_string())),
    ]
}

/// Those of them that are JSON.
pub(crate) const JSON_COLUMNS: [&str; 4] = ["data", "links", "owners", "readers"];

fn json_columns(dialect: Dialect) -> String {
    JSON_COLUMNS
        .map(|name| dialect.to_json(&format!("r.{name}")))
        .join(", ")
}

/// Inserts entities; those whose id is taken are left out.
pub(crate) fn insert_entities(sql: &mut Sql, source: Source) {
    let json = json_columns(sql.dialect);
    sql.push(
        "INSERT INTO entity (id, type, version, type_version, data, links, owners, readers, created_at, created_by, updated_at, updated_by) ",
    );
    sql.push(&format!(
        "SELECT r.id, r.type, r.version, r.type_version, {json}, r.created_at, r.created_by, r.updated_at, r.updated_by FROM "
    ));
    let end = source.if_taken(" (id)");
    source.push(sql);
    sql.push(&end);
}

/// Rewrites entities that are at the version before their new one; others are left alone.
pub(crate) fn update_entities(sql: &mut Sql, source: Source) {
    let dialect = sql.dialect;
    let set = JSON_COLUMNS
        .map(|name| format!("{name} = {}", dialect.to_json(&format!("r.{name}"))))
        .join(", ");
    sql.push(&format!(
        "UPDATE entity SET version = r.version, type_version = r.type_version, {set}, updated_at = r.updated_at, \
         updated_by = r.updated_by FROM "
    ));
    source.push(sql);
    sql.push(" WHERE entity.id = r.id AND entity.version = r.version - 1");
}

/// Deletes entities at these versions.
pub(crate) fn delete_entities(
    sql: &mut Sql,
    rows: impl Iterator<Item = (EntityId, Version)> + Clone,
) {
    sql.push("DELETE FROM entity WHERE (id, version) IN (SELECT r.id, r.version FROM ");
    sql.rows(
        "r",
        vec![
            Column::ids("id", rows.clone().map(|(id, _)| id.0)),
            Column::ints("version", rows.map(|(_, version)| version.0)),
        ],
    );
    sql.push(")");
}

pub(crate) fn key_columns(rows: &[KeyRow]) -> Vec<Column> {
    vec![
        Column::ids("type", rows.iter().map(|row| row.type_id.0)),
        Column::ints("key", rows.iter().map(|row| i64::from(row.key.0))),
        Column::texts("value", rows.iter().map(|row| row.value.0.clone())),
        Column::ids("entity", rows.iter().map(|row| row.entity.0)),
    ]
}

/// Claims keys; those that are taken are left out. Rows must be sorted by (type, key, value): the order of their locks.
pub(crate) fn insert_keys(sql: &mut Sql, source: Source) {
    sql.push("INSERT INTO unique_key (type, key, value, entity) SELECT r.type, r.key, r.value, r.entity FROM ");
    let end = source.if_taken(" (type, key, value)");
    source.push(sql);
    sql.push(&end);
}

/// Gives keys another holder, those that are held by whom they should be.
pub(crate) fn move_keys(sql: &mut Sql, source: Source) {
    sql.push("UPDATE unique_key SET entity = r.entity FROM ");
    source.push(sql);
    sql.push(
        " WHERE unique_key.type = r.type AND unique_key.key = r.key AND unique_key.value = r.value AND unique_key.entity = r.holder",
    );
}

/// Gives keys up.
pub(crate) fn delete_keys(sql: &mut Sql, source: Source) {
    sql.push("DELETE FROM unique_key WHERE (type, key, value, entity) IN (SELECT r.type, r.key, r.value, r.entity FROM ");
    source.push(sql);
    sql.push(")");
}

pub(crate) fn value_columns(rows: &[ValueRow]) -> Vec<Column> {
    vec![
        Column::ids("type", rows.iter().map(|row| row.type_id.0)),
        Column::ints("field", rows.iter().map(|row| i64::from(row.field.0))),
        Column::texts("value", rows.iter().map(|row| row.value.0.clone())),
        Column::ids("entity", rows.iter().map(|row| row.entity.0)),
    ]
}

/// Puts index rows in.
pub(crate) fn insert_values(sql: &mut Sql, source: Source) {
    sql.push("INSERT INTO field_value (type, field, value, entity) SELECT r.type, r.field, r.value, r.entity FROM ");
    let end = source.if_taken("");
    source.push(sql);
    sql.push(&end);
}

/// Takes index rows out.
pub(crate) fn delete_values(sql: &mut Sql, source: Source) {
    sql.push("DELETE FROM field_value WHERE (type, field, value, entity) IN (SELECT r.type, r.field, r.value, r.entity FROM ");
    source.push(sql);
    sql.push(")");
}

pub(crate) fn link_columns(rows: &[LinkRow]) -> Vec<Column> {
    vec![
        Column::ids("holder", rows.iter().map(|row| row.holder.0)),
        Column::ints("link", rows.iter().map(|row| i64::from(row.link.0))),
        Column::ids("target", rows.iter().map(|row| row.target.0)),
        Column::ids("holder_type", rows.iter().map(|row| row.holder_type.0)),
    ]
}

/// Puts link rows in.
pub(crate) fn insert_links(sql: &mut Sql, source: Source) {
    sql.push("INSERT INTO link (holder, link, target, holder_type) SELECT r.holder, r.link, r.target, r.holder_type FROM ");
    let end = source.if_taken("");
    source.push(sql);
    sql.push(&end);
}

/// Takes link rows out.
pub(crate) fn delete_links(sql: &mut Sql, source: Source) {
    sql.push(
        "DELETE FROM link WHERE (holder, link, target) IN (SELECT r.holder, r.link, r.target FROM ",
    );
    source.push(sql);
    sql.push(")");
}

pub(crate) fn owner_columns(rows: &[OwnerRow]) -> Vec<Column> {
    vec![
        Column::texts(
            "principal",
            rows.iter().map(|row| row.principal.to_string()),
        ),
        Column::ids("type", rows.iter().map(|row| row.type_id.0)),
        Column::ids("entity", rows.iter().map(|row| row.entity.0)),
    ]
}

/// Puts scope rows in.
pub(crate) fn insert_owners(sql: &mut Sql, source: Source) {
    sql.push(
        "INSERT INTO owner (principal, type, entity) SELECT r.principal, r.type, r.entity FROM ",
    );
    let end = source.if_taken("");
    source.push(sql);
    sql.push(&end);
}

/// Takes scope rows out.
pub(crate) fn delete_owners(sql: &mut Sql, source: Source) {
    sql.push("DELETE FROM owner WHERE (principal, type, entity) IN (SELECT r.principal, r.type, r.entity FROM ");
    source.push(sql);
    sql.push(")");
}

/// Appends rows to the change log, in order, and returns the place and the entity of each; those whose version the log has already are left
/// out.
pub(crate) fn insert_changes(sql: &mut Sql, source: Source) {
    append_changes(sql, source);
    let place = match sql.dialect {
        Dialect::Sqlite => "0",
        Dialect::Postgres => "transaction::text::bigint AS transaction",
    };
    sql.push(" RETURNING ");
    sql.push(place).push(", sequence, entity");
}

/// The same, and returns nothing: of a load the rows would be as many as those of its file.
pub(crate) fn append_changes(sql: &mut Sql, source: Source) {
    sql.push("INSERT INTO change (entity, type, version, operation, earlier, actor, at) ");
    sql.push("SELECT r.entity, r.type, r.version, r.operation, r.earlier, r.actor, r.at FROM ");
    let end = source.if_taken("");
    source.push(sql);
    sql.push(&end);
}

/// The columns of rows of the change log.
pub(crate) fn change_columns(rows: &[Change]) -> Vec<Column> {
    vec![
        Column::ids("entity", rows.iter().map(|row| row.entity.0)),
        Column::ids("type", rows.iter().map(|row| row.type_id.0)),
        Column::ints("version", rows.iter().map(|row| row.version.0)),
        Column::texts(
            "operation",
            rows.iter()
                .map(|row| json(&row.operation).trim_matches('"').to_owned()),
        ),
        Column::texts("earlier", rows.iter().map(|row| json(&row.earlier))),
        Column::texts("actor", rows.iter().map(|row| row.actor.to_string())),
        Column::ints("at", rows.iter().map(|row| row.at.0)),
    ]
}

/// A piece: what it does to the statement that it becomes, or becomes part of.
pub(crate) type Piece = fn(&mut Sql, Source);

/// The pieces of links, index rows and scope rows: name, staging table, verb there, and how it is rendered.
pub(crate) const SIDE_PIECES: [(&str, &str, &str, Piece); 6] = [
    ("links_out", "staging_link", "out", delete_links),
    ("links_in", "staging_link", "in", insert_links),
    ("values_out", "staging_value", "out", delete_values),
    ("values_in", "staging_value", "in", insert_values),
    ("owners_out", "staging_owner", "out", delete_owners),
    ("owners_in", "staging_owner", "in", insert_owners),
];

/// The rows of each of [`SIDE_PIECES`] in a batch; empty ones left out.
pub(crate) fn side_rows(batch: &Batch) -> impl Iterator<Item = (&'static str, Piece, Vec<Column>)> {
    let rows = [
        (!batch.links_removed.is_empty()).then(|| link_columns(&batch.links_removed)),
        (!batch.links_added.is_empty()).then(|| link_columns(&batch.links_added)),
        (!batch.values_removed.is_empty()).then(|| value_columns(&batch.values_removed)),
        (!batch.values_added.is_empty()).then(|| value_columns(&batch.values_added)),
        (!batch.owners_removed.is_empty()).then(|| owner_columns(&batch.owners_removed)),
        (!batch.owners_added.is_empty()).then(|| owner_columns(&batch.owners_added)),
    ];
    SIDE_PIECES
        .into_iter()
        .zip(rows)
        .filter_map(|((name, _, _, piece), rows)| rows.map(|rows| (name, piece, rows)))
}
