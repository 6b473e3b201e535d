//! The rows that an upload left in the tables, written to files, and a loop that writes the same rows set-wise from there: what an upload
//! is measured against.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection,
    postgres::PgPoolCopyExt as _,
};

use crate::{
    Engine, Failed,
    bare::{postgres_options, sqlite_options},
    process::Store,
};

/// Entities whose rows are written by one statement per table, as many as the registry takes.
const SLICE: usize = 5_000;

/// A kind of column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Id,
    Int,
    Text,
    /// `jsonb` on PostgreSQL, text on SQLite.
    Json,
}

/// A table that an upload writes: its name, the column that names the entity, its columns.
struct Table {
    name: &'static str,
    entity: &'static str,
    columns: &'static [(&'static str, Kind)],
}

/// All of them, in the order in which they are written.
const TABLES: [Table; 6] = [
    Table {
        name: "entity",
        entity: "id",
        columns: &[
            ("id", Kind::Id),
            ("type", Kind::Id),
            ("version", Kind::Int),
            ("type_version", Kind::Int),
            ("data", Kind::Json),
            ("links", Kind::Json),
            ("owners", Kind::Json),
            ("readers", Kind::Json),
            ("created_at", Kind::Int),
            ("created_by", Kind::Text),
            ("updated_at", Kind::Int),
            ("updated_by", Kind::Text),
        ],
    },
    Table {
        name: "unique_key",
        entity: "entity",
        columns: &[
            ("type", Kind::Id),
            ("key", Kind::Int),
            ("value", Kind::Text),
            ("entity", Kind::Id),
        ],
    },
    Table {
        name: "link",
        entity: "holder",
        columns: &[
            ("holder", Kind::Id),
            ("link", Kind::Int),
            ("target", Kind::Id),
            ("holder_type", Kind::Id),
        ],
    },
    Table {
        name: "field_value",
        entity: "entity",
        columns: &[
            ("type", Kind::Id),
            ("field", Kind::Int),
            ("value", Kind::Text),
            ("entity", Kind::Id),
        ],
    },
    Table {
        name: "owner",
        entity: "entity",
        columns: &[
            ("principal", Kind::Text),
            ("type", Kind::Id),
            ("entity", Kind::Id),
        ],
    },
    Table {
        name: "change",
        entity: "entity",
        columns: &[
            ("entity", Kind::Id),
            ("type", Kind::Id),
            ("version", Kind::Int),
            ("operation", Kind::Text),
            ("earlier", Kind::Text),
            ("actor", Kind::Text),
            ("at", Kind::Int),
        ],
    },
];

impl Table {
    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.rows", self.name))
    }
}

/// Writes the rows of the airports to files, in order of the entities: an array of JSON per line for SQLite, COPY's text format for
/// PostgreSQL.
pub(crate) async fn dump(engine: Engine, store: &Store, folder: &Path) -> Result<(), Failed> {
    for table in &TABLES {
        // An airport is what holds a link.
        let airports = format!(
            "FROM {} AS t WHERE t.{} IN (SELECT holder FROM link) ORDER BY t.{}",
            table.name, table.entity, table.entity
        );
        let mut file = BufWriter::new(File::create(table.file(folder))?);
        match engine {
            Engine::Sqlite => {
                let mut connection = sqlite_options(store.place()).connect().await?;
                let picks: Vec<String> = table
                    .columns
                    .iter()
                    .map(|(name, kind)| match kind {
                        Kind::Id => format!("lower(hex(t.{name}))"),
                        Kind::Int | Kind::Text | Kind::Json => format!("t.{name}"),
                    })
                    .collect();
                let query = format!("SELECT json_array({}) {airports}", picks.join(", "));
                let mut rows =
                    sqlx::query_scalar::<_, String>(AssertSqlSafe(query)).fetch(&mut connection);
                while let Some(row) = rows.try_next().await? {
                    writeln!(file, "{row}")?;
                }
            }
            Engine::Postgres => {
                let pool = sqlx::PgPool::connect(store.place()).await?;
                let query = format!("COPY (SELECT {} {airports}) TO STDOUT", table.names());
                let mut rows = pool.copy_out_raw(&query).await?;
                while let Some(bytes) = rows.try_next().await? {
                    file.write_all(&bytes)?;
                }
                drop(rows);
                pool.close().await;
            }
        }
        file.flush()?;
    }
    Ok(())
}

/// Writes the rows of the files into the tables of an empty store, slice by slice, in one transaction.
pub(crate) async fn write(
    engine: Engine,
    store: &Store,
    folder: &Path,
) -> Result<Duration, Failed> {
    match engine {
        Engine::Sqlite => {
            let mut connection = sqlite_options(store.place()).connect().await?;
            write_sqlite(&mut connection, folder).await
        }
        Engine::Postgres => {
            let mut connection = postgres_options(store.place())?.connect().await?;
            write_postgres(&mut connection, folder).await
        }
    }
}

fn open(folder: &Path) -> Result<Vec<BufReader<File>>, Failed> {
    TABLES
        .iter()
        .map(|table| {
            Ok(BufReader::with_capacity(
                256 * 1024,
                File::open(table.file(folder))?,
            ))
        })
        .collect()
}

async fn write_sqlite(
    connection: &mut SqliteConnection,
    folder: &Path,
) -> Result<Duration, Failed> {
    let started = Instant::now();
    let mut files = open(folder)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    loop {
        let mut any = false;
        for (table, file) in TABLES.iter().zip(&mut files) {
            let mut json = String::from("[");
            for _ in 0..SLICE {
                let before = json.len();
                if before > 1 {
                    json.push(',');
                }
                if file.read_line(&mut json)? == 0 {
                    json.truncate(before);
                    break;
                }
                json.truncate(json.trim_end().len());
            }
            if json.len() == 1 {
                continue;
            }
            any = true;
            json.push(']');
            let picks: Vec<String> = table
                .columns
                .iter()
                .enumerate()
                .map(|(index, (_, kind))| match kind {
                    Kind::Id => format!("unhex(value ->> {index})"),
                    Kind::Int | Kind::Text | Kind::Json => format!("value ->> {index}"),
                })
                .collect();
            let statement = format!(
                "INSERT INTO {} ({}) SELECT {} FROM json_each(?1)",
                table.name,
                table.names(),
                picks.join(", ")
            );
            sqlx::query(AssertSqlSafe(statement))
                .bind(json)
                .execute(&mut *transaction)
                .await?;
        }
        if !any {
            break;
        }
    }
    transaction.commit().await?;
    Ok(started.elapsed())
}

async fn write_postgres(connection: &mut PgConnection, folder: &Path) -> Result<Duration, Failed> {
    let started = Instant::now();
    let mut files = open(folder)?;
    let mut transaction = connection.begin().await?;
    let mut line = String::new();
    loop {
        let mut any = false;
        for (table, file) in TABLES.iter().zip(&mut files) {
            let mut columns: Vec<Vec<String>> =
                vec![Vec::with_capacity(SLICE); table.columns.len()];
            for _ in 0..SLICE {
                line.clear();
                if file.read_line(&mut line)? == 0 {
                    break;
                }
                for (column, cell) in columns
                    .iter_mut()
                    .zip(line.trim_end_matches('\n').split('\t'))
                {
                    column.push(unescaped(cell));
                }
            }
            if columns.first().is_none_or(Vec::is_empty) {
                continue;
            }
            any = true;
            let picks: Vec<String> = table
                .columns
                .iter()
                .map(|(name, kind)| match kind {
                    Kind::Json => format!("{name}::jsonb"),
                    Kind::Id | Kind::Int | Kind::Text => (*name).to_owned(),
                })
                .collect();
            let arrays: Vec<String> = table
                .columns
                .iter()
                .enumerate()
                .map(|(index, (_, kind))| {
                    let of = match kind {
                        Kind::Id => "uuid",
                        Kind::Int => "int8",
                        Kind::Text | Kind::Json => "text",
                    };
                    format!("${}::{of}[]", index + 1)
                })
                .collect();
            let statement = format!(
                "INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS r({})",
                table.name,
                table.names(),
                picks.join(", "),
                arrays.join(", "),
                table.names(),
            );
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for ((_, kind), cells) in table.columns.iter().zip(columns) {
                query = match kind {
                    Kind::Id => query.bind(parsed::<uuid::Uuid>(&cells)?),
                    Kind::Int => query.bind(parsed::<i64>(&cells)?),
                    Kind::Text | Kind::Json => query.bind(cells),
                };
            }
            query.execute(&mut *transaction).await?;
        }
        if !any {
            break;
        }
    }
    transaction.commit().await?;
    Ok(started.elapsed())
}

fn parsed<T>(cells: &[String]) -> Result<Vec<T>, Failed>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    cells
        .iter()
        .map(|cell| cell.parse().map_err(Failed::from))
        .collect()
}

/// A cell of COPY's text format as it was (PostgreSQL's manual, COPY); what is stored here needs the backslash alone.
fn unescaped(cell: &str) -> String {
    if cell.contains('\\') {
        cell.replace("\\\\", "\\")
    } else {
        cell.to_owned()
    }
}

/// Copies the entities' rows into one table with its primary key alone, with `COPY`.
pub(crate) async fn copy(store: &Store, folder: &Path) -> Result<Duration, Failed> {
    let pool = sqlx::PgPool::connect_with(postgres_options(store.place())?).await?;
    let [entity, ..] = &TABLES;
    sqlx::query("CREATE TABLE copied (LIKE entity, PRIMARY KEY (id))")
        .execute(&pool)
        .await?;
    let started = Instant::now();
    let mut file = BufReader::with_capacity(256 * 1024, File::open(entity.file(folder))?);
    let mut copy = pool.copy_in_raw("COPY copied FROM STDIN").await?;
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        copy.send(bytes).await?;
        file.consume(length);
    }
    copy.finish().await?;
    let elapsed = started.elapsed();
    pool.close().await;
    Ok(elapsed)
}
