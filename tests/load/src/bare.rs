//! The bare server: axum, the same driver with the same settings, one statement per request, and nothing else. One row holds the whole
//! document as it is answered, so that both servers read, write and send the same bytes.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing,
    serve::ListenerExt as _,
};
use serde_json::Value;
use sqlx::{
    ConnectOptions as _, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::Failed;

/// Connections to PostgreSQL, as many as the registry has.
const POSTGRES_CONNECTIONS: u32 = 20;
/// Connections that read SQLite, as many as the registry has; one writes.
const SQLITE_READERS: u32 = 4;

#[derive(Clone, Debug)]
enum Bare {
    Postgres(PgPool),
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
}

/// The registry's settings of a connection to PostgreSQL.
pub(crate) fn postgres_options(url: &str) -> Result<PgConnectOptions, Failed> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options
        .statement_cache_capacity(256)
        .disable_statement_logging()
        .options([
            ("statement_timeout", "0"),
            ("default_transaction_isolation", "read committed"),
            ("jit", "off"),
            ("enable_seqscan", "off"),
            ("random_page_cost", "1.1"),
        ]))
}

/// The registry's settings of a connection to SQLite.
pub(crate) fn sqlite_options(file: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(256)
        .optimize_on_close(false, None)
        .pragma("cache_size", "-32768")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// Serves until the process is killed. The first line of output is the address.
pub(crate) async fn serve(store: &str) -> Result<(), Failed> {
    let bare = open(store).await?;
    let router = Router::new()
        .route("/bare", routing::post(create))
        .route("/bare/{id}", routing::get(read))
        .layer(DefaultBodyLimit::max(2 * 1024 * 1024))
        .with_state(bare);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn open(store: &str) -> Result<Bare, Failed> {
    if let Some(file) = store.strip_prefix("sqlite://") {
        let pool = |connections| {
            SqlitePoolOptions::new()
                .min_connections(connections)
                .max_connections(connections)
                .test_before_acquire(false)
                .connect_with(sqlite_options(file))
        };
        let writer = pool(1).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS bare (id BLOB PRIMARY KEY, document TEXT NOT NULL) STRICT",
        )
        .execute(&writer)
        .await?;
        let readers = pool(SQLITE_READERS).await?;
        return Ok(Bare::Sqlite { readers, writer });
    }
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .test_before_acquire(false)
        .connect_with(postgres_options(store)?)
        .await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, document jsonb NOT NULL)")
        .execute(&pool)
        .await?;
    Ok(Bare::Postgres(pool))
}

async fn read(State(bare): State<Bare>, Path(id): Path<Uuid>) -> Response {
    let found: Result<Option<String>, sqlx::Error> = match &bare {
        Bare::Postgres(pool) => {
            sqlx::query_scalar("SELECT document::text FROM bare WHERE id = $1")
                .bind(id)
                .fetch_optional(pool)
                .await
        }
        Bare::Sqlite { readers, .. } => {
            sqlx::query_scalar("SELECT document FROM bare WHERE id = ?1")
                .bind(id)
                .fetch_optional(readers)
                .await
        }
    };
    match found {
        Ok(Some(document)) => json(StatusCode::OK, document),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

async fn create(State(bare): State<Bare>, body: Bytes) -> Response {
    let Ok(value) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let id = Uuid::now_v7();
    let document = document(id, &value);
    let done = match &bare {
        Bare::Postgres(pool) => {
            sqlx::query("INSERT INTO bare (id, document) VALUES ($1, $2::jsonb)")
                .bind(id)
                .bind(&document)
                .execute(pool)
                .await
                .map(|_| ())
        }
        Bare::Sqlite { writer, .. } => {
            sqlx::query("INSERT INTO bare (id, document) VALUES (?1, ?2)")
                .bind(id)
                .bind(document.clone())
                .execute(writer)
                .await
                .map(|_| ())
        }
    };
    match done {
        Ok(()) => json(StatusCode::CREATED, document),
        Err(error) => failed(&error),
    }
}

/// The document as the registry would answer it.
fn document(id: Uuid, value: &Value) -> String {
    const AT: &str = "2026-01-02T03:04:05.678901Z";
    let member = |name: &str| value.get(name).unwrap_or(&Value::Null);
    format!(
        r#"{{"id":"{id}","type":"airport","version":1,"fields":{},"links":{},"owners":["org:default"],"readers":[],"created_at":"{AT}","created_by":"org:default","updated_at":"{AT}","updated_by":"org:default"}}"#,
        member("fields"),
        member("links"),
    )
}

fn json(status: StatusCode, document: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, document).into_response()
}

fn failed(error: &sqlx::Error) -> Response {
    eprintln!("bare: {error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
