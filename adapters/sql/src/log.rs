//! Reading the change log.

use registry_core::{
    EntityId, Timestamp, TypeId, Version,
    change::Change,
    port::{ChangeRow, Position, StoreError},
};

use crate::{
    Argument, ColumnType,
    ColumnType::{Id, Int, Text},
    Dialect, Row, Sql, Statement,
    entities::principal,
};

const COLUMNS: &[ColumnType] = &[Int, Int, Id, Id, Int, Text, Text, Text, Int];

fn select(sql: &mut Sql) {
    sql.push(match sql.dialect {
        Dialect::Sqlite => "SELECT 0",
        Dialect::Postgres => "SELECT c.transaction::text::bigint",
    });
    sql.push(", c.sequence, c.entity, c.type, c.version, c.operation, c.earlier, c.actor, c.at FROM change AS c WHERE ");
}

/// The place of the newest row, be its transaction the last of those still running or not.
pub(crate) fn head(dialect: Dialect) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push(match dialect {
        Dialect::Sqlite => "SELECT 0, c.sequence FROM change AS c ORDER BY c.sequence DESC LIMIT 1",
        Dialect::Postgres => {
            "SELECT c.transaction::text::bigint, c.sequence FROM change AS c ORDER BY c.transaction DESC, c.sequence DESC LIMIT 1"
        }
    });
    sql.finish(&[Int, Int])
}

/// Rows after a place, of finished transactions alone.
pub(crate) fn after(dialect: Dialect, after: Option<Position>, limit: usize) -> Statement {
    let signed = |value: u64| Argument::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let mut sql = Sql::new(dialect);
    select(&mut sql);
    let after = after.unwrap_or(Position {
        transaction: 0,
        sequence: 0,
    });
    match dialect {
        Dialect::Sqlite => {
            sql.push("c.sequence > ")
                .bind(signed(after.sequence))
                .push(" ORDER BY c.sequence");
        }
        Dialect::Postgres => {
            sql.push("(c.transaction, c.sequence) > (")
                .bind(Argument::Text(after.transaction.to_string()));
            sql.push("::text::xid8, ").bind(signed(after.sequence));
            sql.push(") AND c.transaction < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY c.transaction, c.sequence");
        }
    }
    sql.push(" LIMIT ")
        .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    sql.finish(COLUMNS)
}

/// Rows of one entity, newest first.
pub(crate) fn of_entity(
    dialect: Dialect,
    id: EntityId,
    before: Option<Version>,
    limit: usize,
) -> Statement {
    let mut sql = Sql::new(dialect);
    select(&mut sql);
    sql.push("c.operation <> 'type' AND c.entity = ")
        .bind(Argument::Id(id.0));
    if let Some(before) = before {
        sql.push(" AND c.version < ").bind(Argument::Int(before.0));
    }
    sql.push(" ORDER BY c.version DESC LIMIT ")
        .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    sql.finish(COLUMNS)
}

/// Reads rows of either.
pub(crate) fn read(rows: Vec<Row>) -> Result<Vec<ChangeRow>, StoreError> {
    rows.into_iter().map(read_one).collect()
}

fn read_one(mut row: Row) -> Result<ChangeRow, StoreError> {
    let position = Position {
        transaction: row.unsigned()?,
        sequence: row.unsigned()?,
    };
    Ok(ChangeRow {
        position,
        change: Change {
            entity: EntityId(row.id()?),
            type_id: TypeId(row.id()?),
            version: Version(row.int()?),
            operation: serde_json::from_value(serde_json::Value::String(row.text()?))
                .map_err(|error| StoreError::internal("decoding a row", error))?,
            earlier: row.json()?,
            actor: principal(&row.text()?)?,
            at: Timestamp(row.int()?),
        },
    })
}
